"""What went wrong with a call, as one of our errors (BE-030). Keys never appear in their texts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    UserError,
)

from massgen.backends.endpoint import Endpoint
from massgen.backends.protocol import FinishReason
from massgen.errors import (
    AuthenticationFailed,
    BackendError,
    BadRequest,
    BadResponse,
    CallTimedOut,
    ConnectionFailed,
    ContextTooLong,
    RateLimited,
    ServerFailed,
)

_LONGEST = 300
_START_COMMANDS = {
    "lmstudio": "Start it with: lms server start (and load a model: lms load {model})",
    "vllm": "Start it with: vllm serve {model}",
    "sglang": "Start it with: python -m sglang.launch_server --model-path {model}",
    "inference": "Start the server, or correct backend.base_url.",
}
_Maker = Callable[[str, Any, int | None], BackendError]


def classified(error: Exception, endpoint: Endpoint) -> BackendError:
    """The error of one try as the provider's library raised it, in our words."""
    said = _masked(_words_of(error), endpoint)
    if isinstance(error, ModelConnectionError):
        return _connection(error, said, endpoint)
    if isinstance(error, ModelAPIError):
        status = error.status_code if isinstance(error, ModelHTTPError) else None
        for kind, make in _MAKERS.items():
            if isinstance(error, kind):
                number = f" ({status})" if status is not None else ""
                text = f"{endpoint.type.label} {_SAYS[kind]}{number}: {said}"
                return _with_hint(make(text, error, status), endpoint)
        if status is not None:
            return BadRequest(f"{endpoint.type.label} answered {status}: {said}", status=status)
    if isinstance(error, ContentFilterError):
        return BadRequest(f"{endpoint.type.label} refused the content: {said}")
    if isinstance(error, UserError):
        return BadRequest(f"{endpoint.type.label} cannot be asked this way: {said}")
    return BadResponse(f"The answer of {endpoint.type.label} could not be understood: {said}")


def timed_out(limit: str, seconds: float, endpoint: Endpoint) -> CallTimedOut:
    """The limit `limit` of a call ran out after `seconds`."""
    what = {
        "first_token": f"sent nothing for {seconds:g} s",
        "idle": f"stopped sending for {seconds:g} s",
        "total": f"was not finished after {seconds:g} s",
    }[limit]
    hint = "Raise backend.timeout to wait longer." if limit == "total" else None
    return CallTimedOut(f"{endpoint.type.label} ({endpoint.model}) {what}.", limit=limit, hint=hint)


def cut_short(endpoint: Endpoint) -> ConnectionFailed:
    """The stream ended in good form but before the model had finished."""
    return ConnectionFailed(f"{endpoint.type.label} ({endpoint.model}) stopped before the end of its answer.")


def nothing_said(finish: FinishReason, endpoint: Endpoint) -> BackendError:
    """The model finished without a word and without a call; why decides whether trying again can help."""
    who = f"{endpoint.type.label} ({endpoint.model})"
    if finish == "length":
        hint = "Raise backend.max_tokens, or lower the reasoning effort."
        return BadRequest(f"{who} used up its tokens before it said anything.", hint=hint)
    if finish == "content_filter":
        return BadRequest(f"{who} withheld its answer (content filter).")
    return BadResponse(f"{who} sent an empty reply.")


def _connection(error: ModelConnectionError, said: str, endpoint: Endpoint) -> BackendError:
    where = endpoint.base_url or endpoint.type.label
    if isinstance(error, ModelTimeoutError):
        return CallTimedOut(f"No connection to {where} in time.", limit="connect", hint=_start_hint(endpoint))
    if error.phase == "connect":
        return ConnectionFailed(f"No connection to {where}: {said}", hint=_start_hint(endpoint))
    return ConnectionFailed(f"The connection to {where} broke: {said}")


def _start_hint(endpoint: Endpoint) -> str | None:
    """How to start a local server that does not answer (BE-043)."""
    if endpoint.type.name == "lmstudio" and shutil.which("lms") is None:
        return "Install LM Studio (https://lmstudio.ai), start it once, then run: lms server start"
    command = _START_COMMANDS.get(endpoint.type.name)
    if command is None:
        return "Check the network, the proxy settings and backend.base_url."
    return command.format(model=endpoint.model)


def _with_hint(error: BackendError, endpoint: Endpoint) -> BackendError:
    if error.hint is None and isinstance(error, AuthenticationFailed):
        names = " or ".join(endpoint.type.key_variables)
        error.hint = f"Check backend.api_key or {names}." if names else "Check backend.api_key."
    if endpoint.type.name == "lmstudio" and error.status == 404:
        error.hint = f"Get and load the model: lms get {endpoint.model} && lms load {endpoint.model}"
    if error.hint is None and error.status == 404:
        error.hint = f"Check backend.model ('{endpoint.model}') and backend.base_url."
    return error


_MAKERS: Mapping[type[ModelAPIError], _Maker] = {
    ModelContextWindowExceededError: lambda text, _, status: ContextTooLong(text, status=status),
    ModelAuthenticationError: lambda text, _, status: AuthenticationFailed(text, status=status),
    ModelNotFoundError: lambda text, _, status: BadRequest(text, status=status),
    ModelRequestRejectedError: lambda text, _, status: BadRequest(text, status=status),
    ModelQuotaExceededError: lambda text, _, status: AuthenticationFailed(
        text, status=status, hint="The account has no credit left; top it up or use another key."
    ),
    ModelRateLimitError: lambda text, error, status: RateLimited(text, retry_after=error.retry_after, status=status),
    ModelUnavailableError: lambda text, error, status: ServerFailed(text, retry_after=error.retry_after, status=status),
    ModelServerError: lambda text, error, status: ServerFailed(text, retry_after=error.retry_after, status=status),
}
_SAYS: Mapping[type[ModelAPIError], str] = {
    ModelContextWindowExceededError: "finds the conversation too long",
    ModelAuthenticationError: "refused the key",
    ModelNotFoundError: "does not know the model or address",
    ModelRequestRejectedError: "rejected the request",
    ModelQuotaExceededError: "reports an exhausted account",
    ModelRateLimitError: "asks to slow down",
    ModelUnavailableError: "is overloaded",
    ModelServerError: "failed",
}


def _words_of(error: Exception) -> str:
    """The provider's own sentence where there is one, else the exception's."""
    body = getattr(error, "body", None)
    found = _sentence(body)
    text = found or str(_root(error)) or type(error).__name__
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _root(error: BaseException) -> BaseException:
    """The error underneath a failure to connect, which says more than the SDK's "Connection error."."""
    if not isinstance(error, ModelConnectionError):
        return error
    while (cause := error.__cause__) is not None and str(cause):
        error = cause
    return error


def _sentence(body: object) -> str | None:
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, Mapping) else inner
        return message if isinstance(message, str) and message else None
    return None


def _masked(text: str, endpoint: Endpoint) -> str:
    key = endpoint.api_key
    return text.replace(key, "***") if len(key) > 5 else text
