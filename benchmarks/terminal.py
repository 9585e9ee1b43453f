"""The terminal application in a real pseudo-terminal: first frame, eight streaming agents, a long log, a long stream.

Eight agents stream 200 pieces a second each from a provider in a process of its own, once without a display and once
in the application, where a key is pressed again and again. Where the machine is busy, read the processor's times.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budget import Figure
from screen import Screen

from massgen.events.codec import encode, read_run
from massgen.events.types import (
    AgentStatus,
    Body,
    Content,
    Event,
    FinalAnswer,
    NewAnswer,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
)

STARTS = 5
AGENTS = [f"agent-{letter}" for letter in "abcdefgh"]
PIECES, PIECES_A_SECOND = 1600, 200
KEY = "ŋ"
LOGGED = 10_000
PIECES_OF_A_LONG_STREAM = 1_000_000
MASSGEN = str(Path(sys.executable).with_name("massgen"))


def first_frame(directory: Path) -> None:
    """From the command to the input line on the screen."""
    seconds, cpu = [], []
    agents = [{"id": name, "backend": {"type": "simulated"}} for name in AGENTS[:2]]
    (directory / "team.yaml").write_text(json.dumps({"agents": agents}))
    for _ in range(STARTS):
        with Screen([MASSGEN, "--config", "team.yaml"], directory) as screen:
            seconds.append(screen.until("MassGen"))
            cpu.append(screen.cpu())
    Figure(name="first frame after the command", measured=min(seconds), unit="s", budget=0.6).report()
    Figure(name="first frame: processor time", measured=min(cpu), unit="s", budget=0.6).report()


def turn_seconds(directory: Path) -> float:
    """How long the newest run took, by its log."""
    newest = max((directory / ".massgen" / "massgen_logs").glob("log_2*"))
    events = list(read_run(newest))
    return events[-1].timestamp - events[0].timestamp


def eight_agents(directory: Path) -> None:
    with team(directory):
        command = [MASSGEN, "--automation", "--config", "team.yaml", "Why?"]
        subprocess.run(command, cwd=directory, capture_output=True, check=True)
    alone = turn_seconds(directory)
    latency = []
    with team(directory), Screen([MASSGEN, "--config", "team.yaml", "Why?"], directory, size=(160, 48)) as screen:
        screen.until("abcdefg ")
        screen.read(1.0)
        begin, frames, worked = time.perf_counter(), screen.frames, screen.cpu()
        while time.perf_counter() - begin < PIECES / PIECES_A_SECOND * 0.6:
            latency.append(screen.press(KEY) * 1000)
            screen.read(0.15)
        passed = time.perf_counter() - begin
        rate, share = (screen.frames - frames) / passed, (screen.cpu() - worked) / passed
        screen.until("FINAL ANSWER", patience=120)
        screen.until("done", patience=60)
    Figure(name="8 agents, 200 pieces a second each: frames", measured=rate, unit="/s", budget=10,
           at_least=True).report()  # fmt: skip
    Figure(name="the same: a key is answered (median)", measured=statistics.median(latency), unit="ms",
           budget=100).report()  # fmt: skip
    Figure(name="the same: share of a processor for the screen", measured=share, unit="x", budget=0.5).report()
    ratio = turn_seconds(directory) / alone
    Figure(name="the same: the run beside one without a display", measured=ratio, unit="x", budget=1.1).report()


def line(seq: int, agent: str | None, body: Body) -> bytes:
    at = 1_700_000_000.0 + seq / 10
    return encode(Event(seq=seq, timestamp=at, turn=1, attempt=1, agent_id=agent, round=0, body=body))


def write_log(directory: Path, bodies: Iterator[tuple[str | None, Body]]) -> Path:
    """A log directory of one attempt."""
    place = directory / "log_20260101_000000" / "turn_1" / "attempt_1"
    place.mkdir(parents=True)
    with (place / "events.jsonl").open("wb") as file:
        for number, (agent, body) in enumerate(bodies, 1):
            file.write(line(number, agent, body))
    return place.parent.parent


def long_run() -> Iterator[tuple[str | None, Body]]:
    """Ten thousand events of a team of three: mostly text, some tools, answers and votes."""
    names = ("amber", "birch", "cedar")
    yield None, SessionStart(question="Why?", agents=names, models=names, pid=1)
    for name in names:
        yield name, StartedStreaming()
    for number in range(LOGGED // 2 - 10):
        name = names[number % 3]
        if number % 10 == 0:
            arguments = json.dumps({"path": f"file_{number}.txt"})
            yield name, ToolStart(call_id=str(number), name="read_file", arguments=arguments)
            result = "text " * 50
            yield name, ToolEnd(call_id=str(number), name="read_file", result=result, is_error=False, milliseconds=5)
        else:
            yield name, Content(content_kind="text", text=f"The {number}th sentence says something. ")
            yield name, Content(content_kind="reasoning", text=f"Is {number} right? ")
    yield "amber", NewAnswer(label="agent1.1", preview="Because.")
    for name in names:
        yield name, Vote(agent="amber", label="agent1.1", reason="It is right.")
        yield name, AgentStatus(status="voted")
    yield "amber", FinalAnswer(text="Because of everything.", label="agent1.1", preview="Because.")
    yield None, SessionEnd(exit_code=0, reason="complete")


def long_log(directory: Path) -> None:
    log = write_log(directory, long_run())
    seconds, cpu = [], []
    for _ in range(3):
        with Screen([MASSGEN, "viewer", str(log)], directory) as screen:
            seconds.append(screen.until("Because of everything."))
            cpu.append(screen.cpu())
    Figure(name="viewer: a log of 10,000 events is open", measured=min(seconds), unit="s", budget=2).report()
    Figure(name="viewer: its processor time", measured=min(cpu), unit="s", budget=2).report()


def long_stream(directory: Path) -> None:
    """A million pieces in a growing log, in the viewer: memory after a tenth of them and after all."""
    log = write_log(directory, iter([(None, SessionStart(question="Why?", agents=("amber",), pid=1))]))
    path = log / "turn_1" / "attempt_1" / "events.jsonl"
    with Screen([MASSGEN, "viewer", str(log)], directory) as screen, path.open("ab") as file:
        screen.until("MassGen")
        sizes = []
        for tenth in range(10):
            for number in range(PIECES_OF_A_LONG_STREAM // 10):
                seq = tenth * PIECES_OF_A_LONG_STREAM // 10 + number + 2
                body = Content(content_kind="text", text=f"word{seq} ")
                file.write(line(seq, "amber", body))
            file.flush()
            screen.until(f"word{seq}", patience=300)
            sizes.append(screen.memory())
    Figure(name="memory that a million pieces add to that of 100,000", measured=sizes[-1] - sizes[0], unit="MiB",
           budget=20).report()  # fmt: skip
    Figure(name="viewer: memory", measured=sizes[-1], unit="MiB").report()


@contextmanager
def team(directory: Path) -> Iterator[None]:
    """The configuration of eight agents whose models stream at the pace of the measurement."""
    text = "abcdefg " * PIECES
    turns = {
        "models": {
            name: [
                {"calls": [{"name": "new_answer", "arguments": {"content": text}}], "chunks": PIECES},
                {"calls": [{"name": "vote", "arguments": {"agent_id": "agent1", "reason": "It is right."}}]},
                {"text": "Because."},
            ]
            for name in AGENTS
        },
        "pace": {"between": 1 / PIECES_A_SECOND},
    }
    (directory / "script.json").write_text(json.dumps(turns))
    command = [sys.executable, "-m", "massgen.testing", "--script", str(directory / "script.json"), "--stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdout is not None and provider.stdin is not None
        url = f"{provider.stdout.readline().strip()}/v1"
        backend = {"type": "chatcompletion", "base_url": url, "api_key": "unused"}
        agents = [{"id": name, "backend": {**backend, "model": name}} for name in AGENTS]
        (directory / "team.yaml").write_text(json.dumps({"agents": agents}))
        try:
            yield
        finally:
            provider.stdin.close()


def main() -> None:
    chosen = sys.argv[1:]
    for measure in (first_frame, eight_agents, long_log, long_stream):
        if not chosen or measure.__name__ in chosen:
            with tempfile.TemporaryDirectory() as scratch:
                measure(Path(scratch))


if __name__ == "__main__":
    main()
