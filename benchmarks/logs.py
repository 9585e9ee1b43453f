"""Logs of 1,000 to 100,000 events, with `--long` to 1,000,000: CPU of everything that reads them, and how it grows."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from growth import report
from provider import QUESTION

from massgen.config import Redactor, load_config
from massgen.coordination.replay import replay
from massgen.events.codec import decode, encode, read_run
from massgen.events.stream import EventStream
from massgen.events.types import Event, SessionEnd
from massgen.runs.logbook import Logbook
from massgen.runs.request import RunRequest
from massgen.runs.resuming import recover
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from massgen.tui.feed import RunFeed
from massgen.views.metrics import Metrics
from massgen.views.past import LogPlace, overview, read_metrics
from massgen.views.run_state import RunState
from massgen.views.sharing import manifest, select
from massgen.views.status import status_snapshot

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
LONG = (*SIZES, 300_000, 1_000_000)
STEPS = 4
NOBODY = 2**22 + 1
"""No process has this number."""


def working(text: str) -> Callable[[ReceivedRequest], Turn]:
    """A few calls of a tool, then an answer, a vote, a presentation."""
    base = answer_then_vote(text, "agent1")

    def decide(request: ReceivedRequest) -> Turn:
        reply = base(request)
        assert isinstance(reply, Turn)
        first = bool(reply.calls) and reply.calls[0].name == "new_answer"
        if first and len(request.view.results) < STEPS:
            return use(call("mcp__filesystem__list_directory", path="."), text="Let me look at the files. " * 8)
        return reply

    return decide


async def real_events(launch: Path) -> list[Event]:
    """Of one run in which both agents work with tools."""
    async with ScriptedProvider({"m1": working("four"), "m2": working("4")}) as server:
        backend = {"type": "chatcompletion", "base_url": server.openai_url, "api_key": "unused", "cwd": "work"}
        agents = [{"id": f"agent_{n}", "backend": {**backend, "model": f"m{n}"}} for n in (1, 2)]
        request = RunRequest(loaded=load_config({"agents": agents}), question=QUESTION, launch=launch, automation=True)
        run = Run(request)
        run.prepare()
        await run.execute()
        return list(read_run(run.log_dir))


def stretched(lines: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """The same run with as many calls of tools as make `size` events, cut off before its end."""
    calls = [index for index, line in enumerate(lines) if line["event_type"] == "model_call"]
    begin, end = calls[2] + 1, calls[4] + 1
    head, middle, tail = (
        lines[:begin],
        lines[begin:end],
        [one for one in lines[end:] if one["event_type"] != "session_end"],
    )
    times = max(1, (size - len(head) - len(tail)) // len(middle))
    return [*head, *(line for _ in range(times) for line in middle), *tail]


def make_log(where: Path, lines: list[dict[str, Any]], size: int) -> Path:
    directory = where / f"log_20260101_000000_{size:06d}"[:26] / "turn_1" / "attempt_1"
    directory.mkdir(parents=True)
    with (directory / "events.jsonl").open("w") as file:
        for number, line in enumerate(stretched(lines, size), 1):
            file.write(json.dumps({**line, "seq": number}, separators=(",", ":")) + "\n")
    return directory.parent.parent


def status(log_dir: Path) -> None:
    state = RunState()
    for event in read_run(log_dir):
        state.apply(event)
    status_snapshot(state, log_dir, 0.0)


def viewer(log_dir: Path) -> None:
    feed = RunFeed()
    for event in read_run(log_dir):
        feed.apply(event)


def metrics(log_dir: Path) -> None:
    found = Metrics()
    for event in read_run(log_dir):
        found.apply(event)


def place(log_dir: Path) -> LogPlace:
    return LogPlace(root=log_dir, attempt=log_dir / "turn_1" / "attempt_1")


def export(log_dir: Path) -> None:
    chosen = [(1, log_dir / "turn_1" / "attempt_1")]
    manifest(log_dir, select(log_dir, chosen, lambda text: text, workspace_limit=None))


READERS: dict[str, Callable[[Path], object]] = {
    "reading a log": lambda log_dir: sum(1 for _ in read_run(log_dir)),
    "the rules replayed": lambda log_dir: replay(read_run(log_dir)),
    "what resume needs": recover,
    "status.json": status,
    "what the viewer shows": viewer,
    "metrics": metrics,
    "a run in `logs list`": overview,
    "`logs` without its files": lambda log_dir: read_metrics(place(log_dir)),
    "an export": export,
}


def cpu(work: Callable[[Path], object], log_dir: Path) -> float:
    gc.collect()
    begin = time.process_time()
    work(log_dir)
    return time.process_time() - begin


async def written(lines: list[dict[str, Any]], size: int, where: Path) -> float:
    """CPU of a run's log that is written by its views, the models' and tools' work left out."""
    config = load_config(
        {"agents": [{"id": f"agent_{n}", "backend": {"type": "openai", "model": "m"}} for n in (1, 2)]}
    )
    request = RunRequest(loaded=config, question=QUESTION, launch=where, automation=True)
    book = Logbook.create(
        where / "logs", Redactor.for_run({}, config.environment), text_logs=True, debug=False, status_file=None
    )
    stream = EventStream(book.tree.directory)
    book.attach(stream, request, config.require(), "session")
    book.enter(1, 1)
    stream.place(1, 1)
    events = [decode(json.dumps(line)) for line in stretched(lines, size)]
    gc.collect()
    begin = time.process_time()
    for number, event in enumerate(events):
        stream.emit(event.body, agent_id=event.agent_id, round=event.round)
        if number % 100 == 0:
            await asyncio.sleep(0)
    spent = time.process_time() - begin
    book.status.stop()
    book.text.close()
    stream.close()
    return spent


def main(sizes: tuple[int, ...]) -> None:
    spent: dict[str, list[float]] = {name: [] for name in (*READERS, "writing a log")}
    counts: list[int] = []
    with tempfile.TemporaryDirectory() as directory:
        events = asyncio.run(real_events(Path(directory)))
        lines = [json.loads(encode(event)) for event in events if not isinstance(event.body, SessionEnd)]
        lines[0]["data"]["pid"] = NOBODY
        for size in sizes:
            log_dir = make_log(Path(directory) / str(size), lines, size)
            counts.append(sum(1 for _ in islice((log_dir / "turn_1/attempt_1/events.jsonl").open("rb"), None)))
            for name, work in READERS.items():
                spent[name].append(cpu(work, log_dir))
            spent["writing a log"].append(asyncio.run(written(lines, size, Path(directory) / f"new{size}")))
            each = ", ".join(f"{name} {values[-1] / counts[-1] * 1e6:.1f}" for name, values in spent.items())
            print(f"{counts[-1]:>9,} events, microseconds each: {each}", flush=True)
    for name, values in spent.items():
        points = [(count, value) for count, value in zip(counts, values, strict=True) if value > 0.001]
        report(f"{name} with its events", *zip(*points, strict=True))  # an export leaves out what is too large


if __name__ == "__main__":
    main(LONG if "--long" in sys.argv else SIZES)
