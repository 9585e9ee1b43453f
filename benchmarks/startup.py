"""`massgen --help` and `massgen --validate FILE` beside `python -c pass`: median of 15, taken in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from budget import Figure

ROUNDS = 15
TEAM = """\
agents:
  - id: one
    backend: {type: openai, model: gpt-5, api_key: unused}
  - id: two
    backend: {type: claude, model: claude-sonnet-4-5, api_key: unused}
"""


def seconds(command: list[str], directory: str) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - begin


def main() -> None:
    massgen = str(Path(sys.executable).with_name("massgen"))
    commands = {
        "pass": [sys.executable, "-c", "pass"],
        "help": [massgen, "--help"],
        "validate": [massgen, "--validate", "team.yaml"],
    }
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "team.yaml").write_text(TEAM, encoding="utf-8")
        for command in commands.values():
            seconds(command, directory)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                times[name].append(seconds(command, directory))
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, budget in (("help", 8), ("validate", 25)):
        ratio = median[name] / median["pass"]
        Figure(name=f"massgen --{name} beside python -c pass", measured=ratio, unit="x", budget=budget).report()


if __name__ == "__main__":
    main()
