"""Plays one reply to one request: a turn at its pace, or a fault."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from typing import assert_never

from msgspec import Struct

from massgen.testing.connection import Connection
from massgen.testing.replies import (
    BadBody,
    BadFrame,
    Drip,
    Dropped,
    Hold,
    HttpError,
    Pace,
    Refused,
    Reply,
    Stalled,
    StreamError,
    Tokens,
    Turn,
)
from massgen.testing.requests import ReceivedRequest
from massgen.testing.watch import Watch
from massgen.testing.wires.wire import Events, Exchange, Wire

BROKEN = b'data: {"broken": \n\n'
MESSAGES = {
    400: "The request is not valid.",
    401: "Incorrect API key provided.",
    403: "This key may not use the model.",
    404: "The model does not exist or you do not have access to it.",
    429: "Rate limit reached. Please try again later.",
    529: "Overloaded",
}


class Stage(Struct, frozen=True, kw_only=True):
    """Where a reply is played: the request, its connection and wire, and how holds are waited for."""

    request: ReceivedRequest
    connection: Connection
    wire: Wire
    pace: Pace
    watch: Watch
    passed: Callable[[Hold], bool]
    held: list[Hold]
    refuse: Callable[[], None]

    async def play(self, reply: Reply) -> None:
        """Send the reply. Returns when it is sent or the fault is done; a stall ends by cancellation."""
        match reply:
            case Turn():
                await self._turn(reply)
            case HttpError():
                await self._error(reply)
            case Dropped():
                await self._dropped(reply)
            case Stalled():
                await self._part(reply.turn, reply.after_chunks)
                await asyncio.Event().wait()
            case Drip():
                await self._drip(reply)
            case BadFrame():
                await self._bad_frame(reply)
            case StreamError():
                await self._stream_error(reply)
            case BadBody():
                await self.connection.send(200, reply.body, reply.content_type)
            case Refused():
                self.refuse()
                self._cut(reset=True)
            case _:
                assert_never(reply)

    async def _turn(self, turn: Turn) -> None:
        await self._hold(turn, None)
        await pause(next(self._waits(turn)))
        if self.request.stream:
            await self._stream(turn, self._events(turn))
        else:
            if turn.hold and turn.hold.after_chunks is not None:
                await self._hold(turn, turn.hold.after_chunks)
            await self.connection.send_json(200, self.wire.whole(turn, self._exchange(turn)))

    async def _stream(self, turn: Turn, events: Events) -> None:
        await self.connection.begin_events()
        await self._pieces(turn, events)
        await self.connection.send_chunk(events.closing)
        await self.connection.end_events()

    async def _pieces(self, turn: Turn, events: Events) -> None:
        """The opening and the pieces, at the turn's pace and with its hold."""
        stop = turn.hold.after_chunks if turn.hold else None
        if (turn.pace or self.pace).between == 0:
            before = events.pieces if stop is None else events.pieces[:stop]
            await self.connection.send_events([events.opening, *before])
            if stop is not None:
                await self._hold(turn, stop)
                await self.connection.send_events(events.pieces[stop:])
            return
        waits = self._waits(turn)
        next(waits)
        await self.connection.send_chunk(events.opening)
        for number, piece in enumerate(events.pieces):
            if number == stop:
                await self._hold(turn, stop)
            if number:
                await pause(next(waits))
            await self.connection.send_chunk(piece)
        if stop is not None and stop >= len(events.pieces):
            await self._hold(turn, stop)

    async def _hold(self, turn: Turn, after: int | None) -> None:
        hold = turn.hold
        if hold is None or hold.after_chunks != after:
            return
        self.held.append(hold)
        self.watch.changed()
        await self.watch.until(lambda: self.passed(hold))

    async def _part(self, turn: Turn, after: int | None) -> None:
        """The headers and the first `after` pieces; nothing for None. Without streaming, half the body."""
        if after is None:
            return
        if not self.request.stream:
            body = json.dumps(self.wire.whole(turn, self._exchange(turn))).encode()
            await self.connection.begin_body(len(body))
            await self.connection.write(body[: len(body) // 2 if after else 0])
            return
        events = self._events(turn)
        await self.connection.begin_events()
        if after:
            await self._pieces(turn, Events(opening=events.opening, pieces=events.pieces[:after]))

    async def _bad_frame(self, fault: BadFrame) -> None:
        frame = BROKEN if fault.frame is None else fault.frame
        if not self.request.stream:
            await self.connection.send(200, frame, "application/json")
            return
        events = self._events(fault.turn)
        if fault.frame is None:
            frame = f"event: {self.wire.delta_event}\n".encode() + frame if self.wire.delta_event else frame
        events.pieces.insert(fault.after_chunks, frame)
        await self._stream(fault.turn, events)

    async def _stream_error(self, fault: StreamError) -> None:
        if not self.request.stream:
            await self._error(HttpError(status=500, message=fault.message))
            return
        await self._part(fault.turn, fault.after_chunks)
        await self.connection.send_chunk(self.wire.stream_error(fault.message))
        await self.connection.end_events()

    async def _dropped(self, fault: Dropped) -> None:
        await self._part(fault.turn, fault.after_chunks)
        if fault.how == "end" and fault.after_chunks is not None and self.request.stream:
            await self.connection.end_events()
            return
        if fault.after_chunks is not None and fault.how == "reset":
            await asyncio.sleep(0.01)  # a reset discards what the client has not read yet
        self._cut(reset=fault.how == "reset")

    async def _drip(self, fault: Drip) -> None:
        events = self._events(Turn(text=fault.text, chunks=1))
        await self.connection.begin_events()
        if not fault.comments:
            await self.connection.send_chunk(events.opening)
        while True:
            await self.connection.send_chunk(b": waiting\n\n" if fault.comments else events.pieces[-1])
            await pause(fault.interval)

    async def _error(self, fault: HttpError) -> None:
        message = fault.message or MESSAGES.get(fault.status, "The server had an error.")
        extra = f"Retry-After: {fault.retry_after}\r\n" if fault.retry_after else ""
        await self.connection.send_json(fault.status, self.wire.error(fault, message), extra)

    def _cut(self, *, reset: bool) -> None:
        self.request.outcome = "cut"
        self.connection.close(reset=reset)

    def _events(self, turn: Turn) -> Events:
        return self.wire.stream(turn, self._exchange(turn))

    def _exchange(self, turn: Turn) -> Exchange:
        request = self.request
        usage = None if turn.no_usage else turn.usage or estimate(turn, request.raw_bytes)
        return Exchange(model=request.model, serial=request.index, body=request.json or {}, usage=usage)

    def _waits(self, turn: Turn) -> Iterator[float]:
        """The waits of a turn in seconds: first the one before it begins, then one for each piece."""
        pace = turn.pace or self.pace
        draw = random.Random(f"{pace.seed}/{self.request.model}/{self.request.number}")
        wait = pace.first
        while True:
            yield wait * (1 + pace.jitter * (2 * draw.random() - 1))
            wait = pace.between


def estimate(turn: Turn, raw_bytes: int) -> Tokens:
    """Usage of a turn that does not script it: a token is four bytes or characters."""
    reasoning = len(turn.reasoning) // 4
    said = len(turn.text) + sum(len(made.name) + len(made.arguments) for made in turn.calls)
    return Tokens(input=raw_bytes // 4, output=said // 4 + reasoning, reasoning=reasoning)


async def pause(seconds: float) -> None:
    """Sleep, unless there is nothing to wait for."""
    if seconds > 0:
        await asyncio.sleep(seconds)
