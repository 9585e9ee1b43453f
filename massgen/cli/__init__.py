"""The command line. `main` is the console command `massgen`; everything behind it is imported on use."""

from __future__ import annotations

import gc
from collections.abc import Sequence

__all__ = ["main"]

NEW_OBJECTS = 100_000
"""Before garbage is looked for: the modules that a run imports are many objects, and none of them is garbage."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code (AUTO-030 to AUTO-034)."""
    gc.set_threshold(NEW_OBJECTS, 20, 20)
    try:
        from massgen.cli.entry import run

        code = run(argv)
    except KeyboardInterrupt:  # while modules were still being imported
        from massgen.errors import EXIT_INTERRUPTED

        code = EXIT_INTERRUPTED
    raise SystemExit(code)
