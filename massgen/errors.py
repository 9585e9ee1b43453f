"""One tree of errors; each class knows its exit code and may carry a hint that says what to do next.

    MassGenError                    exit code 2
    ├── ConfigError                 1   the configuration, the command line or the environment is wrong
    │   ├── ConfigurationError      1   the same, as the Python API raises it: also a ValueError
    │   ├── MissingExtra            1   an optional package is not installed
    │   └── NotAvailable            1   a documented feature or backend type that this version does not offer
    ├── ExecutionError              2   no answer could be produced
    ├── StorageError                2   a log, snapshot or workspace could not be written or read
    ├── WorkspaceError              1   a workspace, context path or project cannot be used as configured
    └── BackendError                2   a model call failed; `retryable` says whether trying again may help
        ├── AuthenticationFailed        401, 403
        ├── RateLimited                 429, 529; `retry_after` in seconds where the server said so
        ├── BadRequest                  400, 404, 422: the request can not succeed as it is
        │   └── ContextTooLong          the conversation does not fit the model
        ├── ServerFailed                5xx
        ├── ConnectionFailed            refused, reset, dropped before or within the stream
        ├── CallTimedOut                connect, first token, idle or total limit of one call
        └── BadResponse                 the server's words could not be understood

Exit codes: AUTO-030 to AUTO-034.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_CONFIG = 1
EXIT_EXECUTION = 2
EXIT_TIMEOUT = 3
EXIT_INTERRUPTED = 4


class MassGenError(Exception):
    """Base of all errors that the program raises on purpose.

    `message` is a sentence for a person; `hint`, where given, says what to do next.
    """

    exit_code: int = EXIT_EXECUTION

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigError(MassGenError):
    """The configuration, the command line or the environment is wrong."""

    exit_code = EXIT_CONFIG


class ConfigurationError(ConfigError, ValueError):
    """What `massgen.run` raises for anything wrong before the first model call (API-015)."""


class MissingExtra(ConfigError):
    """A feature needs an optional package; `extra` is the name for `pip install 'massgen[extra]'`."""

    def __init__(self, feature: str, extra: str) -> None:
        hint = f"Install it with: pip install 'massgen[{extra}]'"
        super().__init__(f"{feature} needs an optional package.", hint=hint)
        self.feature = feature
        self.extra = extra


class NotAvailable(ConfigError):
    """A documented feature that this version does not offer yet."""


class ExecutionError(MassGenError):
    """No answer could be produced."""


class StorageError(MassGenError):
    """A log, snapshot or workspace could not be written or read."""


class WorkspaceError(MassGenError):
    """A workspace, context path or project cannot be used as configured."""

    exit_code = EXIT_CONFIG


class BackendError(MassGenError):
    """A model call failed.

    `kind` is the stable name used in logs and `status.json`; `status` the HTTP status where there was one.
    """

    kind: str = "api_error"
    retryable: bool = False

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class AuthenticationFailed(BackendError):
    """The provider refused the key."""

    kind = "authentication"


class RateLimited(BackendError):
    """The provider asks to slow down; `retry_after` is in seconds, None where it did not say."""

    kind = "rate_limit"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        hint: str | None = None,
        status: int | None = 429,
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.retry_after = retry_after


class BadRequest(BackendError):
    """The provider cannot accept this request as it is."""

    kind = "bad_request"


class ContextTooLong(BadRequest):
    """The conversation does not fit the model's context."""

    kind = "context_length"


class ServerFailed(BackendError):
    """The provider answered 5xx."""

    kind = "server_error"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        hint: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.retry_after = retry_after


class ConnectionFailed(BackendError):
    """The connection was refused, reset or dropped."""

    kind = "connection"
    retryable = True


class CallTimedOut(BackendError):
    """One model call took longer than its limits allow; `limit` names which (BE-022)."""

    kind = "timeout"
    retryable = True

    def __init__(self, message: str, *, limit: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.limit = limit


class BadResponse(BackendError):
    """The provider's answer could not be understood."""

    kind = "bad_response"
    retryable = True
