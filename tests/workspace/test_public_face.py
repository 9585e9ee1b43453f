"""What the room offers, and that naming it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import massgen.workspace


def test_every_public_name_is_there() -> None:
    names = massgen.workspace.__all__
    assert list(names) == sorted(names)
    assert all(getattr(massgen.workspace, name) is not None for name in names)


def test_reading_references_does_not_load_snapshots() -> None:
    script = (
        "import sys, massgen.workspace.references\n"
        "print([name for name in ('asyncio', 'tarfile', 'massgen.workspace.store') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
