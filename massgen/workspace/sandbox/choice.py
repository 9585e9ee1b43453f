"""Which sandbox an agent's commands get: the strongest one at hand that the configuration asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox import bubblewrap, cgroup
from massgen.workspace.sandbox.confinement import MARK, confine
from massgen.workspace.sandbox.environment import command_environment
from massgen.workspace.sandbox.inside import landlock
from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.protocol import Limits, Network, SandboxKind

Warn = Callable[[str], None]
LimitKeeper = Literal["control groups", "watching", "nobody"]


class LocalSettings(Struct, frozen=True, kw_only=True):
    """The configuration of local command execution: `command_line_network`, `command_line_env_passthrough`."""

    network: Network = "host"
    passthrough: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    allowed_kinds: tuple[SandboxKind, ...] = ("bubblewrap+landlock", "bubblewrap", "landlock", "none")


def local_kind(settings: LocalSettings) -> tuple[SandboxKind, str]:
    """The strongest kind that works here, and why not a stronger one."""
    found = bubblewrap.probe(os.environ.get("PATH", os.defpath))
    locks = landlock.abi() > 0
    works: dict[SandboxKind, bool] = {
        "bubblewrap+landlock": bool(found.program) and locks,
        "bubblewrap": bool(found.program),
        "landlock": locks,
    }
    for kind in settings.allowed_kinds:
        if works.get(kind):
            return kind, found.reason
    return "none", found.reason or "the configuration allows no stronger one"


def local_kind_here() -> SandboxKind:
    """The strongest kind that works here; blocks for a first try of it."""
    return local_kind(LocalSettings())[0]


def limits_kept_by(limits: Limits) -> LimitKeeper:
    """Who keeps the limits on memory and processes of commands here: control groups, a look five times a second, or
    nobody."""
    group = cgroup.make(limits)
    if group is not None:
        group.remove()
        return "control groups"
    return "watching" if Path("/proc/self/stat").exists() else "nobody"


def choose_sandbox(
    settings: LocalSettings,
    grants: Grants,
    *,
    private: Path,
    workspace: Path,
    warn: Warn,
    host: Mapping[str, str] | None = None,
    dotenv_names: Iterable[str] = (),
) -> LocalSandbox:
    """The sandbox for one agent and phase; not started yet.

    `private` is the agent's place for the run (HOME, /tmp, virtual environment), the same in all phases. `warn`
    gets one sentence when commands run without any sandbox, unless this program runs in a sandbox itself.
    """
    kind, reason = local_kind(settings)
    environ = os.environ if host is None else host
    if kind == "none" and MARK not in os.environ:
        warn(
            f"Commands run without a sandbox ({reason}). Only patterns and path checks protect your files. "
            "Install bubblewrap, or set command_line_execution_mode: docker."
        )
    env = command_environment(environ, passthrough=settings.passthrough, dotenv_names=dotenv_names)
    confinement = confine(
        kind,
        grants,
        private=private,
        env=env,
        start_directory=workspace,
        network=settings.network,
        limits=settings.limits,
    )
    return LocalSandbox(confinement, settings.limits)
