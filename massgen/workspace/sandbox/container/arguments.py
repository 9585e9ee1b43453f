"""The arguments of `create`: isolation, limits, mounts, variables (EXEC-030 to EXEC-035)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.container.credentials import Bind, Credentials
from massgen.workspace.sandbox.container.owner import owner_labels
from massgen.workspace.sandbox.container.settings import ContainerSettings
from massgen.workspace.sandbox.layout import Place, places

USER = "massgen"
UID = 1000


class User(Struct, frozen=True, kw_only=True):
    """Who commands run as inside, so that files belong to the caller outside (EXEC-042)."""

    uid: int = UID
    gid: int = UID

    @classmethod
    def of_caller(cls) -> User:
        """The caller's ids; 1000 for root, who must not be root inside and can delete anything outside."""
        uid = os.getuid() if hasattr(os, "getuid") else UID
        return cls() if uid == 0 else cls(uid=uid, gid=os.getgid())

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def create_arguments(
    settings: ContainerSettings,
    image: str,
    grants: Grants,
    credentials: Credentials,
    *,
    workspace: Path,
    user: User,
    podman: bool = False,
) -> list[str]:
    """Everything after `docker`. Values of variables are not in it: the engine reads them from its environment."""
    line = ["create", "--name", settings.name, "--init"]
    for key, value in labels(settings).items():
        line += ["--label", f"{key}={value}"]
    line += ["--network", settings.network, "--hostname", "agent", "--pids-limit", "2048"]
    if settings.memory:
        line += ["--memory", settings.memory, "--memory-swap", settings.memory]
    if settings.cpus:
        line += ["--cpus", settings.cpus]
    if not settings.sudo:
        line += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    if podman and os.getuid() != 0:
        line += [f"--userns=keep-id:uid={user.uid},gid={user.gid}"]
    line += ["--user", str(user), "--workdir", str(workspace), "--env", "HOME=/home/massgen"]
    for name in sorted(credentials.env):
        line += ["--env", name]
    for place in places(grants):
        line += _place(place)
    for bind in credentials.binds:
        line += _bind(bind)
    return [*line, image]


def labels(settings: ContainerSettings) -> dict[str, str]:
    """What names a container as ours: agent, run, and the process that must remove it."""
    return {
        "massgen.agent_id": settings.agent_id,
        "massgen.instance": settings.instance,
    } | owner_labels()


def _place(place: Place) -> list[str]:
    path = str(place.path)
    match place.mode:
        case "write" | "read":
            return _bind(Bind(source=path, target=path, read_only=place.mode == "read"))
        case "hide":
            if place.path.is_dir():
                return ["--tmpfs", f"{path}:ro,size=4k"]
            return _bind(Bind(source="/dev/null", target=path, read_only=True))


def _bind(bind: Bind) -> list[str]:
    fields = ["type=bind", f"source={bind.source}", f"target={bind.target}"]
    return ["--mount", _row(fields + (["readonly"] if bind.read_only else []))]


def _row(fields: Iterable[str]) -> str:
    """One line of CSV, as the engine reads it: paths may hold commas and quotes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
