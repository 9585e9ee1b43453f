"""Write constraints.txt: the exact version of every package that MassGen and its tests need.

    python scripts/pin.py              the newest versions that fit, found in a throw-away environment
    python scripts/pin.py --installed  the versions installed beside the Python that runs this

Only names and versions are written; where packages come from is the machine's own setting.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "constraints.txt"
PINNED_EXTRA = "dev"
HEADER = "# Exact versions for `pip install -c constraints.txt`; written by scripts/pin.py (make pins).\n"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_versions() -> dict[str, str]:
    """Versions of massgen's installed requirements, followed to the end; absent ones are left out."""
    from packaging.requirements import Requirement

    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [("massgen", extra) for extra in ("", PINNED_EXTRA)]
    while queue:
        name, extra = queue.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        versions[name] = distribution.version
        for line in distribution.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                queue += [(normal(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    del versions["massgen"]
    return versions


def write(versions: dict[str, str]) -> None:
    lines = [f"{name}=={version}\n" for name, version in sorted(versions.items())]
    TARGET.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{TARGET.name}: {len(lines)} packages")


def resolve_anew() -> None:
    """Install everything into a throw-away environment and let its own Python write the file."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = str(Path(scratch) / "bin" / "python")
        wanted = f"{ROOT}[{PINNED_EXTRA}]"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "packaging", wanted], check=True)
        subprocess.run([python, __file__, "--installed"], check=True)


def main() -> None:
    if "--installed" in sys.argv[1:]:
        write(installed_versions())
    else:
        resolve_anew()


if __name__ == "__main__":
    main()
