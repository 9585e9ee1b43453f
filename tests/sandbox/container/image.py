"""A small image made of programs of this machine, for an engine that can pull nothing."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

NAME = "massgen-test:latest"
_PROGRAMS = (
    "sh", "bash", "cat", "ls", "id", "sleep", "tail", "env", "mkdir", "touch", "rm", "chown", "chmod", "sed", "head",
    "grep", "seq", "setsid", "nproc", "stat", "git", "true", "dirname", "wc", "tr",
)  # fmt: skip
_PASSWD = "root:x:0:0::/root:/bin/bash\nmassgen:x:1000:1000::/home/massgen:/bin/bash\n"
_INSTALLER = """#!/bin/sh
echo "$(id -u) $(basename "$0") $*" >> /var/log/order
case "$*" in *missing*) echo no such package >&2; exit 1;; esac
"""


def _libraries(program: Path) -> set[Path]:
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in re.findall(r"(/[^\s)]+)", listed)}


def _content() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        programs = {name: Path(shutil.which(name) or "") for name in (*_PROGRAMS, "basename")}
        for name, path in programs.items():
            tar.add(path.resolve(), f"usr/bin/{name}")
        for library in set().union(*(_libraries(path.resolve()) for path in programs.values())):
            tar.add(library.resolve(), str(library).lstrip("/"))
        for link in ("bin",):
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{link}"
            tar.addfile(entry)
        for directory, mode, owner in (
            ("tmp", 0o1777, 0), ("home/massgen", 0o755, 1000), ("workspace", 0o777, 1000), ("context", 0o777, 1000),
            ("temp_workspaces", 0o777, 1000), ("var/log", 0o777, 0), ("proc", 0o755, 0), ("root", 0o700, 0),
        ):  # fmt: skip
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
            tar.addfile(entry)
        files = {"etc/passwd": _PASSWD, "etc/group": "root:x:0:\nmassgen:x:1000:\n"}
        files |= {f"usr/bin/{name}": _INSTALLER for name in ("apt-get", "pip", "npm")}
        files["var/log/order"] = ""
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o666 if path == "var/log/order" else 0o755, len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def _import(name: str, content: bytes, *changes: str) -> None:
    options = [word for change in changes for word in ("--change", change)]
    subprocess.run(["docker", "import", *options, "-", name], input=content, check=True, capture_output=True)


@cache
def build() -> str:
    """The name of the image, made once a session; variants that break a rule each end in their rule's name."""
    content = _content()
    _import(NAME, content, "USER massgen", 'CMD ["tail","-f","/dev/null"]')
    _import("massgen-test:exits", content, "USER massgen", 'CMD ["true"]')
    nobody = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=nobody, mode="w") as new:
        for entry in old:
            if entry.name != "etc/passwd":
                new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
    _import("massgen-test:nobody", nobody.getvalue(), 'CMD ["tail","-f","/dev/null"]')
    return NAME
