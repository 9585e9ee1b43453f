"""Packages put into a container when it is made, before agents start (EXEC-060 to EXEC-062)."""

from __future__ import annotations

import shlex

from msgspec import Struct

from massgen.config.schema.execution import DockerPackages


class Installation(Struct, frozen=True, kw_only=True):
    """One command in the container, as root where `as_root`."""

    what: str
    command: str
    as_root: bool


def installations(packages: DockerPackages) -> tuple[Installation, ...]:
    """System packages first, then Python's, then npm's."""
    wanted = packages.preinstall
    found: list[Installation] = []
    if wanted.system:
        names = shlex.join(wanted.system)
        command = f"apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y {names}"
        found.append(Installation(what="system", command=command, as_root=True))
    if wanted.python:
        found.append(Installation(what="python", command=f"pip install {shlex.join(wanted.python)}", as_root=False))
    if wanted.npm:
        found.append(Installation(what="npm", command=f"npm install -g {shlex.join(wanted.npm)}", as_root=True))
    return tuple(found)
