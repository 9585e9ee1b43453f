"""The container of one agent: made at the start of a run, kept over phases and turns, removed at its end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.container import packages
from massgen.workspace.sandbox.container.arguments import UID, USER, User, create_arguments
from massgen.workspace.sandbox.container.credentials import Credentials
from massgen.workspace.sandbox.container.engine import ContainerUnavailable, Engine
from massgen.workspace.sandbox.container.images import present_image
from massgen.workspace.sandbox.container.leftovers import ending
from massgen.workspace.sandbox.container.process import MARK
from massgen.workspace.sandbox.container.settings import ContainerSettings
from massgen.workspace.sandbox.container.sweep import STATES, sweep
from massgen.workspace.sandbox.container.tether import Tether

log = logging.getLogger(__name__)

_STAY = "An image must stay alive by its CMD, for example: tail -f /dev/null"
_RULES = f"An image needs the user '{USER}' (UID {UID}) and bash or sh; see massgen/docker/README.md."


class AgentContainer:
    """One container (EXEC-031). `ensure` makes it, or makes it anew with other mounts and the same contents."""

    def __init__(
        self,
        engine: Engine,
        settings: ContainerSettings,
        credentials: Credentials,
        *,
        workspace: Path,
        warn: Callable[[str], None],
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.shell = "/bin/sh"
        self._credentials = credentials
        self._workspace = workspace
        self._warn = warn
        self._grants: Grants | None = None
        self._kept = f"{STATES}:{settings.name.lower()}"
        self._saved = False
        self._made = False
        self._tether: Tether | None = None
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.settings.name

    async def ensure(self, grants: Grants) -> None:
        """The container runs with the mounts of `grants`; raises `ContainerUnavailable`."""
        async with self._turn:
            if self._grants == grants:
                return
            if self._grants is not None:
                await self._save()
            elif self._made:  # an earlier call was interrupted
                await self._discard()
            if self._saved:
                await self._make(self._kept, grants)
            else:
                await sweep(self.engine)
                image = await present_image(self.engine, self.settings.image, self._warn)
                await self._make(image, grants)
                await self._install()
            self._grants = grants

    async def _make(self, image: str, grants: Grants) -> None:
        user = User.of_caller()
        self._own(grants, user)
        line = create_arguments(
            self.settings,
            image,
            grants,
            self._credentials,
            workspace=self._workspace,
            user=user,
            podman=self.engine.is_podman,
        )
        self._made = True
        created = await self.engine.ask(*line, env=self._credentials.env)
        if created.code != 0:
            await self._discard()
            raise ContainerUnavailable(f"The container {self.name} cannot be made: {created.reason}")
        started = await self.engine.ask("start", self.name)
        if started.code != 0:
            await self._discard()
            raise ContainerUnavailable(f"The container {self.name} does not start: {started.reason}", hint=_STAY)
        self._tether = await Tether.tie(self.engine, self.name)
        await self._check(user)
        log.info("Container %s runs for agent %s (image %s)", self.name, self.settings.agent_id, image)

    def _own(self, grants: Grants, user: User) -> None:
        """Root's files are given to the container's user where they are the program's own."""
        if os.getuid() != 0:
            return
        give(self._workspace, user)
        if any(path != self._workspace for path in grants.writable):
            self._warn(f"Running as root: the container's user (UID {user.uid}) may lack access to context paths.")

    async def _check(self, user: User) -> None:
        """What an image must provide (EXEC-068); adapts the user's ids where the caller's differ."""
        await self._check_running()
        looked = await self.engine.ask("exec", self.name, "/bin/sh", "-c", f"id -u {USER}; command -v bash")
        lines = looked.output.split()
        if not lines:
            await self._check_running()  # it may have exited between the two questions
        if not lines or lines[0] not in (str(UID), str(user.uid)):
            await self._discard()
            raise ContainerUnavailable(f"The image {self.settings.image} has no user {USER}: {_RULES}")
        self.shell = lines[1] if len(lines) > 1 else "/bin/sh"
        if lines[0] != str(user.uid):
            ids = f"s/^{USER}:\\([^:]*\\):[0-9]*:[0-9]*:/{USER}:\\1:{user.uid}:{user.gid}:/"
            script = f"sed -i '{ids}' /etc/passwd; chown -R {user} /home/{USER}"
            await self.engine.ask("exec", "--user", "0", self.name, "/bin/sh", "-c", script)

    async def _check_running(self) -> None:
        state = await self.engine.ask("inspect", "--format", "{{.State.Running}}", self.name)
        if state.output.strip() != "true":
            log_lines = await self.engine.ask("logs", "--tail", "5", self.name)
            await self._discard()
            raise ContainerUnavailable(f"The container {self.name} has exited: {log_lines.reason}", hint=_STAY)

    async def _install(self) -> None:
        for step in packages.installations(self.settings.packages):
            user = ["--user", "0"] if step.as_root else []
            done = await self.engine.ask("exec", *user, self.name, "/bin/sh", "-c", step.command, timeout=900)
            if done.code != 0:
                output = (done.output + done.errors).strip()[-2000:]
                self._warn(f"Installing {step.what} packages failed: {output}")

    async def _save(self) -> None:
        """Keep the contents as an image, because mounts of a container cannot be changed."""
        kept = await self.engine.ask("commit", self.name, self._kept, timeout=300)
        if kept.code != 0:
            raise ContainerUnavailable(f"The state of the container {self.name} cannot be kept: {kept.reason}")
        self._saved = True
        await self._discard()

    async def end_commands(self) -> None:
        """End every command that runs in the container; what the image itself started goes on."""
        if self._grants is not None:
            await self.engine.ask("exec", self.name, *ending(f"{MARK}=", "KILL"), timeout=30)

    async def _discard(self) -> None:
        self._grants = None
        await self.engine.ask("rm", "--force", "--volumes", self.name)
        self._made = False
        if self._tether is not None:
            await self._tether.cut()
            self._tether = None

    async def remove(self) -> None:
        """Stop and remove the container and what was kept of it; may be repeated."""
        async with self._turn:
            if self._made:
                await self._discard()
            if self._saved:
                self._saved = False
                await self.engine.ask("rmi", "--force", self._kept)


def give(workspace: Path, user: User) -> None:
    """Root's files below `workspace` become those of the container's user."""
    for directory, names, files in os.walk(workspace):
        for path in (directory, *(os.path.join(directory, name) for name in [*names, *files])):
            os.chown(path, user.uid, user.gid, follow_symlinks=False)


def exec_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of one `exec`, handed over through the engine's environment."""
    return os.environ | dict(env)
