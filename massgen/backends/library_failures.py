"""Errors of the provider's library as ours (BE-030)."""

from __future__ import annotations

from collections.abc import Mapping

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
from massgen.backends.failures import (
    Fault,
    bounded,
    broken_connection,
    masked,
    no_connection,
    no_connection_in_time,
    not_understood,
    refused,
    sentence,
    words_of,
)
from massgen.errors import BackendError, BadRequest


def classified(error: Exception, endpoint: Endpoint) -> BackendError:
    """The error of one try as the provider's library raised it, in our words."""
    said = masked(_words_of(error), endpoint)
    if isinstance(error, ModelConnectionError):
        return _connection(error, said, endpoint)
    if isinstance(error, ModelAPIError):
        status = error.status_code if isinstance(error, ModelHTTPError) else None
        for kind, fault in _FAULTS.items():
            if isinstance(error, kind):
                return refused(fault, said, endpoint, status=status, retry_after=error.retry_after)
        if status is not None:
            return BadRequest(f"{endpoint.type.label} answered {status}: {said}", status=status)
    if isinstance(error, ContentFilterError):
        return BadRequest(f"{endpoint.type.label} refused the content: {said}")
    if isinstance(error, UserError):
        return BadRequest(f"{endpoint.type.label} cannot be asked this way: {said}")
    return not_understood(said, endpoint)


def _connection(error: ModelConnectionError, said: str, endpoint: Endpoint) -> BackendError:
    if isinstance(error, ModelTimeoutError):
        return no_connection_in_time(endpoint)
    if error.phase == "connect":
        return no_connection(said, endpoint)
    return broken_connection(said, endpoint)


_FAULTS: Mapping[type[ModelAPIError], Fault] = {
    ModelContextWindowExceededError: "context",
    ModelAuthenticationError: "key",
    ModelNotFoundError: "address",
    ModelRequestRejectedError: "request",
    ModelQuotaExceededError: "quota",
    ModelRateLimitError: "rate",
    ModelUnavailableError: "overload",
    ModelServerError: "server",
}


def _words_of(error: Exception) -> str:
    """The provider's own sentence where there is one, else the exception's."""
    body = getattr(error, "body", None)
    found = sentence(body)
    if found is None:
        found = words_of(error) if isinstance(error, ModelConnectionError) else str(error) or type(error).__name__
    return bounded(found)
