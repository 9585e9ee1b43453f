"""Why a compatible server said no, from its status and its own code, and what went wrong on the way there."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

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
    words_of,
)
from massgen.errors import BackendError, BadRequest

_QUOTA = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
)
_CODES: Mapping[str, Fault] = {
    **dict.fromkeys(_QUOTA, "quota"),
    "context_length_exceeded": "context",
    "model_not_found": "address",
    "invalid_api_key": "key",
}
_STATUSES: Mapping[int, Fault] = {
    400: "request",
    401: "key",
    402: "quota",
    403: "key",
    404: "address",
    422: "request",
    429: "rate",
    503: "overload",
    529: "overload",
}
_NAMES = {
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "too_many_requests"), 429),
    **dict.fromkeys(_QUOTA, 429),
    "context_length_exceeded": 400,
    **dict.fromkeys(
        ("service_unavailable", "service_unavailable_error", "server_is_overloaded", "overloaded", "overloaded_error"),
        503,
    ),
    "server_error": 500,
}
"""The status that an error within a stream would have had before it."""

_TOO_LONG = ("maximum context length", "reduce the length of the messages")
_OVERLOADED = ("overloaded", "over capacity")


def refusal(status: int, headers: Mapping[str, str], text: str, endpoint: Endpoint) -> BackendError:
    """The error of a response with a status that is no success."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    error = body.get("error", body) if isinstance(body, dict) else body
    code, kind, message = _parts(error)
    said = bounded(message or text or f"HTTP status {status}")
    fault = "request" if status == 403 and _flagged(error) else _fault(status, code, kind, message or text)
    if fault is None:
        return BadRequest(f"{endpoint.type.label} answered {status}: {masked(said, endpoint)}", status=status)
    return refused(fault, said, endpoint, status=status, retry_after=_wait(headers))


def refusal_within(error: object, endpoint: Endpoint) -> BackendError:
    """The error of an error object within a stream that began well."""
    code, kind, message = _parts(error)
    said = bounded(message or "An error occurred during streaming")
    status = _NAMES.get(code) or _NAMES.get(kind)
    if status is None and code.isdecimal() and 400 <= int(code[:4]) < 600:
        status = int(code[:4])
    fault = _fault(status, code, kind, message)
    return not_understood(said, endpoint) if fault is None else refused(fault, said, endpoint, status=status)


def failure_of(error: Exception, endpoint: Endpoint) -> BackendError:
    """What went wrong between us and the server."""
    import httpx2

    said = bounded(words_of(error))
    match error:
        case httpx2.ConnectTimeout():
            return no_connection_in_time(endpoint)
        case httpx2.ConnectError() | httpx2.ProxyError() | httpx2.UnsupportedProtocol():
            return no_connection(said, endpoint)
        case httpx2.DecodingError():
            return not_understood(said, endpoint)
        case httpx2.InvalidURL():
            return BadRequest(f"{endpoint.type.label} cannot be asked this way: {masked(said, endpoint)}")
        case httpx2.RequestError():
            return broken_connection(said, endpoint)
        case _:
            return not_understood(said, endpoint)


def _parts(error: object) -> tuple[str, str, str]:
    """Code, type and message of an error object, empty where there are none."""
    if isinstance(error, str):
        return "", "", error
    if not isinstance(error, dict):
        return "", "", ""
    values: dict[str, Any] = error
    code, kind, message = (values.get(name) for name in ("code", "type", "message"))
    return (
        str(code) if isinstance(code, str | int) else "",
        kind if isinstance(kind, str) else "",
        message if isinstance(message, str) else "",
    )


def _fault(status: int | None, code: str, kind: str, message: str) -> Fault | None:
    if code in _QUOTA or kind in _QUOTA:
        return "quota"
    if code == "context_length_exceeded" or any(words in message.lower() for words in _TOO_LONG):
        return "context"
    if any(words in text.lower() for words in _OVERLOADED for text in (code, kind)):
        return "overload"
    if code in _CODES:
        return _CODES[code]
    if status is None:
        return None
    return _STATUSES.get(status) or ("server" if 500 <= status < 600 else None)


def _flagged(error: object) -> bool:
    """Input that moderation flagged is a request refused, not a key (as OpenRouter says it)."""
    about = error.get("metadata") if isinstance(error, dict) else None
    return isinstance(about, dict) and ("flagged_input" in about or "reasons" in about)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
    given = headers.get("retry-after-ms")
    if given is not None:
        milliseconds = _number(given)
        if milliseconds is not None:
            return milliseconds / 1000
    given = headers.get("retry-after")
    if given is None:
        return None
    seconds = _number(given)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(given)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
