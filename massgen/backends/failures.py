"""What went wrong with a call, as one of our errors (BE-030). Keys never appear in their texts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Literal, assert_never

from massgen.backends.endpoint import Endpoint, is_loopback
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

Fault = Literal["context", "key", "address", "request", "quota", "rate", "overload", "server"]
"""Why a provider refused a call."""

_SAYS: Mapping[Fault, str] = {
    "context": "finds the conversation too long",
    "key": "refused the key",
    "address": "does not know the model or address",
    "request": "rejected the request",
    "quota": "reports an exhausted account",
    "rate": "asks to slow down",
    "overload": "is overloaded",
    "server": "failed",
}

_LONGEST = 300
OLLAMA_PORT = 11434
_START_COMMANDS = {
    "lmstudio": "Start it with: lms server start (and load a model: lms load {model})",
    "vllm": "Start it with: vllm serve {model}",
    "sglang": "Start it with: python -m sglang.launch_server --model-path {model}",
    "ollama": "Start it with: ollama serve (and get the model: ollama pull {model})",
    "inference": "Start the server, or correct backend.base_url.",
}


def refused(
    fault: Fault, why: str, endpoint: Endpoint, *, status: int | None = None, retry_after: float | None = None
) -> BackendError:
    """The provider said no; `why` is its own sentence, `retry_after` the seconds it asks for."""
    number = f" ({status})" if status is not None else ""
    text = f"{endpoint.type.label} {_SAYS[fault]}{number}: {masked(why, endpoint)}"
    return _with_hint(_refusal(fault, text, status, retry_after), endpoint)


def _refusal(fault: Fault, text: str, status: int | None, retry_after: float | None) -> BackendError:
    match fault:
        case "context":
            return ContextTooLong(text, status=status)
        case "key":
            return AuthenticationFailed(text, status=status)
        case "quota":
            hint = "The account has no credit left; top it up or use another key."
            return AuthenticationFailed(text, status=status, hint=hint)
        case "address" | "request":
            return BadRequest(text, status=status)
        case "rate":
            return RateLimited(text, retry_after=retry_after, status=status)
        case "overload" | "server":
            return ServerFailed(text, retry_after=retry_after, status=status)
        case _:
            assert_never(fault)


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


def no_connection(why: str, endpoint: Endpoint) -> ConnectionFailed:
    """Nobody answers at the address."""
    where = endpoint.base_url or endpoint.type.label
    return ConnectionFailed(f"No connection to {where}: {masked(why, endpoint)}", hint=_start_hint(endpoint))


def no_connection_in_time(endpoint: Endpoint) -> CallTimedOut:
    """Nobody answered at the address within the limit."""
    where = endpoint.base_url or endpoint.type.label
    return CallTimedOut(f"No connection to {where} in time.", limit="connect", hint=_start_hint(endpoint))


def broken_connection(why: str, endpoint: Endpoint) -> ConnectionFailed:
    """The connection ended in the middle of things."""
    where = endpoint.base_url or endpoint.type.label
    return ConnectionFailed(f"The connection to {where} broke: {masked(why, endpoint)}")


def not_understood(why: str, endpoint: Endpoint) -> BadResponse:
    """What came is no answer in this wire format."""
    return BadResponse(f"The answer of {endpoint.type.label} could not be understood: {masked(why, endpoint)}")


def _start_hint(endpoint: Endpoint) -> str | None:
    """How to start a local server that does not answer (BE-043)."""
    if endpoint.type.name == "lmstudio" and shutil.which("lms") is None:
        return "Install LM Studio (https://lmstudio.ai), start it once, then run: lms server start"
    command = _START_COMMANDS.get(endpoint.type.name)
    if command is None and is_loopback(endpoint.base_url):
        command = _START_COMMANDS["ollama" if endpoint.port == OLLAMA_PORT else "inference"]
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


def sentence(body: object) -> str | None:
    """The provider's own sentence in the body of an error, None without one."""
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, Mapping) else inner
        return message if isinstance(message, str) and message else None
    return None


def words_of(error: BaseException) -> str:
    """What failed underneath a failure to connect: clients only say "All connection attempts failed"."""
    while (inner := _inner(error)) is not None:
        error = inner
    return "connection refused" if isinstance(error, ConnectionRefusedError) else str(error) or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    tries = error.exceptions[:1] if isinstance(error, BaseExceptionGroup) else ()
    found = (item for item in (*tries, error.__cause__, *error.args[:1]) if isinstance(item, BaseException))
    return next((item for item in found if str(item)), None)


def bounded(text: str) -> str:
    """One line of at most 300 characters."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def masked(text: str, endpoint: Endpoint) -> str:
    """`text` without the key."""
    key = endpoint.api_key
    return text.replace(key, "***") if len(key) > 5 else text
