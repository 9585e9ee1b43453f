"""The command line. `main` is the console command `massgen`; everything behind it is imported on use."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code (AUTO-030 to AUTO-034)."""
    from massgen.cli.entry import run

    raise SystemExit(run(argv))
