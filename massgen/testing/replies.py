"""What the provider can be told to reply: a turn of a model, or a fault.

Everything here is a value without behaviour; `server` plays them, `wires` words them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from massgen.testing.requests import ReceivedRequest


class Pace(Struct, frozen=True, kw_only=True):
    """When the pieces of a reply leave: `first` seconds before the response begins, `between` two pieces.

    `jitter` is a share: 0.5 makes each wait 0.5 to 1.5 times as long, drawn from `seed`, the model and the
    number of the call, so that it does not depend on the order in which calls arrive.
    """

    first: float = 0.0
    between: float = 0.0
    jitter: float = 0.0
    seed: int = 0


class Tokens(Struct, frozen=True, kw_only=True):
    """Usage as the provider reports it; `output` includes `reasoning`, `input` includes `cached`."""

    input: int = 0
    output: int = 0
    reasoning: int = 0
    cached: int = 0


class Call(Struct, frozen=True, kw_only=True):
    """A tool call; `arguments` is the raw text, which need not be JSON."""

    name: str
    arguments: str = "{}"
    call_id: str = ""


def call(name: str, /, **arguments: object) -> Call:
    """The call of tool `name` with JSON arguments: `call("vote", agent_id="agent1", reason="clear")`."""
    return Call(name=name, arguments=json.dumps(arguments, ensure_ascii=False))


class Hold(Struct, frozen=True, kw_only=True):
    """Wait without sleeping: until `gate` was opened with `server.open(gate)`, or until the server has
    received `count` requests for `model`. `after_chunks` is the number of pieces that are sent before; None
    waits before the response begins.
    """

    gate: str = ""
    model: str = ""
    count: int = 1
    after_chunks: int | None = None


Finish = Literal["stop", "tool_calls", "length", "content_filter"]


class Turn(Struct, frozen=True, kw_only=True):
    """One response of a model: reasoning, then text, then tool calls. `Turn()` is an empty reply.

    `chunks` is the number of pieces in which text, reasoning and each call's arguments stream (None: 16
    characters a piece). `usage` None is estimated from the sizes; `no_usage` leaves it out.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    chunks: int | None = None
    pace: Pace | None = None
    hold: Hold | None = None
    usage: Tokens | None = None
    no_usage: bool = False
    finish: Finish | None = None


def say(text: str, *, chunks: int | None = None) -> Turn:
    """A turn of plain text."""
    return Turn(text=text, chunks=chunks)


def use(*calls: Call, text: str = "") -> Turn:
    """A turn that calls tools."""
    return Turn(text=text, calls=calls)


BEGINNING = Turn(text="The beginning of an answer that does not come to its end.")


class HttpError(Struct, frozen=True, kw_only=True):
    """A status other than 200, with a body in the provider's own form.

    `retry_after` is sent as the header of that name (seconds or a date). `context` words the body as the
    provider does when the conversation does not fit the model.
    """

    status: int
    message: str = ""
    retry_after: str = ""
    context: bool = False


class Dropped(Struct, frozen=True, kw_only=True):
    """The connection ends too early: before the headers, or after `after_chunks` pieces of `turn`.

    `how`: `reset` (RST), `close` (FIN within the body), `end` (a well-formed HTTP response whose stream of
    events lacks its end).
    """

    after_chunks: int | None = None
    how: Literal["reset", "close", "end"] = "close"
    turn: Turn = BEGINNING


class Stalled(Struct, frozen=True, kw_only=True):
    """Nothing more comes, ever: before the headers, after them (`after_chunks=0`), or within `turn`."""

    after_chunks: int | None = None
    turn: Turn = BEGINNING


class Drip(Struct, frozen=True, kw_only=True):
    """An endless stream: a piece of text every `interval` seconds, or only comment lines of SSE."""

    interval: float = 0.05
    text: str = "."
    comments: bool = False


class BadFrame(Struct, frozen=True, kw_only=True):
    """A stream in which `frame` stands where an event should be, after `after_chunks` pieces of `turn`.

    None is an event of the format whose JSON is cut.
    """

    after_chunks: int = 1
    frame: bytes | None = None
    turn: Turn = BEGINNING


class StreamError(Struct, frozen=True, kw_only=True):
    """An error event within a stream that began well, in the provider's own form."""

    after_chunks: int = 1
    message: str = "The server had an error while processing the request."
    turn: Turn = BEGINNING


class BadBody(Struct, frozen=True, kw_only=True):
    """Status 200 with a body that is no response of the provider (a proxy's page, cut JSON, nothing)."""

    body: bytes = b"<html><body>welcome to the proxy</body></html>"
    content_type: str = "text/html"


class Refused(Struct, frozen=True, kw_only=True):
    """The connection is dropped without a response and the port is closed until `server.listen()`."""


Fault = HttpError | Dropped | Stalled | Drip | BadFrame | StreamError | BadBody | Refused
Reply = Turn | Fault
Policy = Callable[["ReceivedRequest"], Reply | Awaitable[Reply]]
Script = Reply | Policy | list[Reply | Policy]


class Chaos(Struct, frozen=True, kw_only=True):
    """Faults at random, for runs that must end well whatever happens.

    Each call suffers one of `faults` with probability `rate`, drawn from `seed`, the model and the number of
    the call; so the same seed gives the same faults whatever the order of calls.
    """

    rate: float = 0.2
    seed: int = 0
    faults: tuple[Reply, ...] = field(
        default=(
            HttpError(status=429, retry_after="0"),
            HttpError(status=500),
            HttpError(status=529),
            Dropped(),
            Dropped(how="reset"),
            Dropped(after_chunks=2),
            Dropped(after_chunks=2, how="end"),
            BadFrame(),
            StreamError(),
            BadBody(),
            Turn(),
        )
    )
