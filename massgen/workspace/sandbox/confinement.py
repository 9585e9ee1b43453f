"""What a local sandbox is made of: how the warden is started and what it applies to itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox import bubblewrap
from massgen.workspace.sandbox.home import home_environment
from massgen.workspace.sandbox.inside.landlock import AF_INET, AF_INET6, AF_UNIX
from massgen.workspace.sandbox.layout import SYSTEM, expand, package_roots, places, private_system_files, tool_paths
from massgen.workspace.sandbox.protocol import Limits, Network, SandboxKind

_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts"))
MARK = "MASSGEN_SANDBOX"
"""Set inside a sandbox to its kind: a MassGen that runs in one does not warn about weaker protection."""


class Confinement(Struct, frozen=True, kw_only=True):
    """`launcher` precedes the interpreter's command line; `settings` is the warden's first message."""

    kind: SandboxKind
    launcher: tuple[str, ...]
    settings: Mapping[str, Any]
    private: Path | None
    start_directory: Path


def shell_program() -> str:
    return next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "/bin/sh")


def interpreter() -> str:
    return os.path.realpath(sys.executable)


def confine(
    kind: SandboxKind,
    grants: Grants,
    *,
    private: Path,
    env: Mapping[str, str],
    start_directory: Path,
    network: Network = "host",
    limits: Limits,
) -> Confinement:
    """Describe the sandbox of `kind`; `private` is the agent's place for the run (see `home.prepare`)."""
    wrapped = kind in ("bubblewrap", "bubblewrap+landlock")
    search_path = env.get("PATH", os.defpath)
    launcher: list[str] = []
    home, tmp = (bubblewrap.HOME, "/tmp") if wrapped else (str(private / "home"), str(private / "tmp"))
    if wrapped:
        found = bubblewrap.probe(os.environ.get("PATH", os.defpath))
        launcher = bubblewrap.arguments(found, grants, private, network, search_path)
    rules: dict[str, Any] | None = None
    forbidden: list[int] | None = []
    match kind:
        case "bubblewrap+landlock":
            written = [str(place.path) for place in places(grants) if place.mode == "write"]
            rules = {"read": ["/"], "write": [*written, home, tmp, "/var/tmp", "/dev/shm", *_DEVICES], "tcp": True}
        case "landlock":
            rules = _added_rules(grants, private, network, search_path)
            forbidden = [AF_UNIX, *([AF_INET, AF_INET6] if network == "none" else [])]
        case "none":
            forbidden = None
        case "bubblewrap" | "docker":
            pass
    inner = dict(env) | home_environment(home, tmp, search_path)
    if kind != "none":
        inner[MARK] = kind
    return Confinement(
        kind=kind,
        launcher=tuple(launcher),
        settings=_settings(inner, rules, forbidden, guardian=not wrapped, limits=limits),
        private=private,
        start_directory=start_directory,
    )


def unconfined(env: Mapping[str, str], start_directory: Path, limits: Limits | None) -> Confinement:
    """Nothing but ending with the program: for scripts that start whole runs (AUTO-040)."""
    return Confinement(
        kind="none",
        launcher=(),
        settings=_settings(dict(env), None, None, guardian=True, limits=limits),
        private=None,
        start_directory=start_directory,
    )


def _settings(
    env: dict[str, str],
    rules: dict[str, Any] | None,
    forbidden: list[int] | None,
    *,
    guardian: bool,
    limits: Limits | None,
) -> dict[str, Any]:
    caps = {"RLIMIT_FSIZE": limits.disk} if limits else {}
    return {
        "env": env,
        "shell": shell_program(),
        "guardian": guardian,
        "landlock": rules,
        "forbid": forbidden,
        "limits": caps,
        "processes": limits.processes if limits else None,
    }


def _added_rules(grants: Grants, private: Path, network: Network, search_path: str) -> dict[str, Any]:
    """Landlock alone: it only adds, so what is taken away is left out by naming its siblings one by one."""
    every = places(grants)
    holes = [*private_system_files(), *grants.denied]
    read = [str(path) for root in SYSTEM for path in expand(Path(root), private_system_files())]
    read += [str(path) for tool in tool_paths(search_path) for path in expand(tool, grants.denied)]
    read += ["/proc", "/run/systemd/resolve", str(private)]
    write = [str(private / "home"), str(private / "tmp"), *_DEVICES]
    for place in every:
        inner = [other.path for other in every if other.path != place.path]
        match place.mode:
            case "read":
                read += [str(path) for path in expand(place.path, holes)]
            case "write":
                write += [str(path) for path in expand(place.path, inner)]
            case "hide":
                pass
    return {"read": read, "write": write, "list": package_roots(), "tcp": network == "host"}
