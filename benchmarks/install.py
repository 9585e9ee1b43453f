"""What `pip install massgen` brings, beyond pip itself: megabytes and packages, in a throw-away environment."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from budget import Figure

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {"pip", "setuptools"}


def size_of(directory: Path) -> float:
    """Megabytes of the files below `directory`, without what belongs to pip itself."""
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    own = (path for path in files if not TOOLS.intersection(path.relative_to(directory).parts[:1]))
    return sum(path.stat().st_size for path in own) / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = str(Path(scratch) / "bin" / "python")
        install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        wanted = ["-c", str(ROOT / "constraints.txt"), str(ROOT)]
        subprocess.run([*install, *wanted], check=True, stderr=subprocess.DEVNULL)
        listing = [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"]
        listed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
        packages = [entry["name"] for entry in json.loads(listed) if entry["name"] not in TOOLS]
        where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
        size = size_of(Path(site))
    Figure(name="base install, size", measured=size, unit="MB", budget=300).report()
    Figure(name="base install, packages", measured=len(packages), unit="packages", budget=90).report()


if __name__ == "__main__":
    sys.exit(main())
