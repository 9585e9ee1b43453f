"""Write constraints.txt: the exact version of every package that MassGen and its tests need.

    python scripts/pin.py              the newest versions that fit, found in throw-away environments; those of
                                       tests/clients too
    python scripts/pin.py --installed  the versions installed beside the Python that runs this

Only names and versions are written; where packages come from is the machine's own setting.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "constraints.txt"
CLIENTS = ROOT / "tests" / "clients"
PINNED_EXTRA = "dev"
HEADER = "# Exact versions for `pip install -c constraints.txt`; written by scripts/pin.py (make pins).\n"
CLIENTS_HEADER = (
    "# Exact versions of what tests/clients needs, MassGen's own included; written by scripts/pin.py (make pins).\n"
)


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


def resolve_clients() -> None:
    """The same for tests/clients; what is in constraints.txt has the same version there."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        pip = [str(Path(scratch) / "bin" / "python"), "-m", "pip"]
        needed = ["-c", str(TARGET), "-r", str(CLIENTS / "requirements.txt"), str(ROOT)]
        subprocess.run([*pip, "install", "--quiet", *needed], check=True)
        found = subprocess.run([*pip, "freeze", "--exclude", "massgen"], capture_output=True, text=True, check=True)
    pins = sorted(f"{normal(name)}=={version}\n" for name, _, version in _pairs(found.stdout))
    (CLIENTS / "constraints.txt").write_text(CLIENTS_HEADER + "".join(pins), encoding="utf-8")
    print(f"tests/clients/constraints.txt: {len(pins)} packages")


def _pairs(frozen: str) -> Iterator[tuple[str, str, str]]:
    return (line.partition("==") for line in frozen.splitlines() if "==" in line)


def main() -> None:
    if "--installed" in sys.argv[1:]:
        write(installed_versions())
    else:
        resolve_anew()
        resolve_clients()


if __name__ == "__main__":
    main()
