"""Where a benchmark's time goes: it is played again with a profiler in each of its processes."""

from __future__ import annotations

import os
import pstats
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS, ROOMS = 8, 8
BUILT_IN = "built in"
Place = tuple[str, int, str]


def profiles(script: Path) -> Iterator[pstats.Stats]:
    """One for each process of `script` that ended by itself, the script's own included."""
    with tempfile.TemporaryDirectory() as kept:
        path = os.pathsep.join(filter(None, (str(ROOT / "benchmarks" / "profiled"), os.environ.get("PYTHONPATH"))))
        environ = os.environ | {"PYTHONPATH": path, "BENCH_PROFILES": kept}
        subprocess.run([sys.executable, str(script)], stdout=subprocess.DEVNULL, cwd=ROOT, env=environ, check=False)
        for file in Path(kept).glob("*.prof"):
            yield pstats.Stats(str(file))


def told(script: Path) -> str:
    """CPU time by room and by function, as shares of all that was profiled; what is built in counts for its caller."""
    functions: Counter[Place] = Counter()
    rooms: Counter[str] = Counter()
    for stats in profiles(script):
        for place, (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
            functions[place] += own
            if room(place) != BUILT_IN:
                rooms[room(place)] += own
            for caller, (_, _, seconds, _) in callers.items() if room(place) == BUILT_IN else ():
                rooms[room(caller)] += seconds
    whole = sum(functions.values())
    if not whole:
        return f"\n-- {script.stem}: no profile, its processes were ended from outside"
    lines = [f"\n-- {script.stem}: {whole:.1f} s of CPU in the main threads of its processes, profiled"]
    lines += [f"   {seconds / whole:>4.0%}  {name}" for name, seconds in rooms.most_common(ROOMS)]
    lines += [f"   {seconds / whole:>4.0%}  {named(place)}" for place, seconds in functions.most_common(FUNCTIONS)]
    return "\n".join(lines)


def room(place: Place) -> str:
    """`massgen.views`, `pydantic`, `built in` and the like."""
    file = place[0]
    if file.startswith("<frozen importlib"):
        return "imports"
    if file in ("~", "") or file.startswith("<"):
        return BUILT_IN
    parts = Path(file).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    if Path(file).is_relative_to(ROOT):
        inner = Path(file).relative_to(ROOT).parts
        return ".".join(part.removesuffix(".py") for part in inner[:2])
    return "standard library"


def named(place: Place) -> str:
    file, line, function = place
    if file in ("~", "") or file.startswith("<"):
        return function
    path = Path(file)
    short = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
    return f"{short}:{line} {function}"
