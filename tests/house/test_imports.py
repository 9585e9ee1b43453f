"""Nothing happens at import, and quick commands stay free of heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT_ALL = """
import importlib, pkgutil, sys, threading
import massgen
for found in pkgutil.walk_packages(massgen.__path__, "massgen."):
    needs_extra = found.name.endswith("litellm_models")
    if not found.name.endswith("__main__") and ".configs." not in found.name and not needs_extra:
        importlib.import_module(found.name)
sys.exit(len(threading.enumerate()) - 1)
"""


def test_importing_every_module_prints_nothing_and_makes_no_file_or_thread(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
