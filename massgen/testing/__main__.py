"""The provider as a program: `python -m massgen.testing --script FILE`.

Prints its address as one line, then serves until it is interrupted or its standard input closes (`--stdin`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from massgen.testing.policies import answer_then_vote
from massgen.testing.replies import Chaos, Pace
from massgen.testing.scripts import ScriptFile, load_scripts
from massgen.testing.server import ScriptedProvider


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m massgen.testing", description=__doc__)
    words.add_argument("--script", metavar="FILE", help="YAML or JSON; without it, every model answers and votes")
    words.add_argument("--port", type=int, default=0, help="default: any free port")
    words.add_argument("--latency", type=float, metavar="SECONDS", help="before a response begins")
    words.add_argument("--between", type=float, metavar="SECONDS", help="between two pieces of a stream")
    words.add_argument("--jitter", type=float, metavar="SHARE", help="0.5: waits vary by half")
    words.add_argument("--chaos", type=float, metavar="RATE", help="share of calls that meet a random fault")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--stdin", action="store_true", help="end when standard input closes")
    return words


def provider(options: argparse.Namespace) -> ScriptedProvider:
    """The provider that the options describe; they win over the file. Raises ValueError, OSError."""
    file = load_scripts(options.script) if options.script else ScriptFile(models={})
    fallback = None if options.script else answer_then_vote("This is a scripted answer.")
    base = file.pace or Pace(seed=options.seed)
    pace = Pace(
        first=base.first if options.latency is None else options.latency,
        between=base.between if options.between is None else options.between,
        jitter=base.jitter if options.jitter is None else options.jitter,
        seed=base.seed,
    )
    chaos = file.chaos if options.chaos is None else Chaos(rate=options.chaos, seed=options.seed)
    default = file.default or fallback
    return ScriptedProvider(file.models, default=default, pace=pace, chaos=chaos, port=options.port)


async def serve(server: ScriptedProvider, *, until_stdin_closes: bool) -> None:
    """Serve until SIGINT, SIGTERM, or the end of standard input."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        print(server.base_url, flush=True)
        if until_stdin_closes:
            loop.add_reader(sys.stdin, lambda: os.read(sys.stdin.fileno(), 4096) or stop.set())
        await stop.wait()
        if until_stdin_closes:
            loop.remove_reader(sys.stdin)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        asyncio.run(serve(provider(options), until_stdin_closes=options.stdin))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
