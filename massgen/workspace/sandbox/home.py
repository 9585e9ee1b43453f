"""The private place of one agent for the length of a run: HOME, /tmp, a virtual environment and caches."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def prepare(private: Path) -> None:
    """Make `home` (with `.venv`) and `tmp` below `private`; what is there stays (EXEC-006)."""
    for name in ("home", "tmp"):
        (private / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    venv = private / "home" / ".venv"
    if not (venv / "pyvenv.cfg").exists():
        _make_venv(venv)


def _make_venv(venv: Path) -> None:
    """A virtual environment over this Python that sees its packages; `pip` comes from the base installation.

    Written by hand because it must work at another path than the one it is made at.
    """
    base = Path(os.path.realpath(sys.executable))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (venv / "lib" / version / "site-packages").mkdir(parents=True)
    binaries = venv / "bin"
    binaries.mkdir()
    (binaries / "python").symlink_to(base)
    for alias in ("python3", version):
        (binaries / alias).symlink_to("python")
    for alias in ("pip", "pip3"):
        script = binaries / alias
        script.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n')
        script.chmod(0o755)
    (venv / "pyvenv.cfg").write_text(
        f"home = {base.parent}\ninclude-system-site-packages = true\n"
        f"version = {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}\n"
    )


def home_environment(home: str, tmp: str, search_path: str) -> dict[str, str]:
    """The variables that point into the private place; its own commands come first on PATH."""
    path = os.pathsep.join([f"{home}/.venv/bin", f"{home}/.local/bin", search_path or os.defpath])
    return {
        "HOME": home,
        "TMPDIR": tmp,
        "PATH": path,
        "VIRTUAL_ENV": f"{home}/.venv",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "npm_config_prefix": f"{home}/.local",
    }
