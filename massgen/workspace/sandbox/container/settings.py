"""What a container is made of, from the `command_line_docker_*` keys (EXEC-030)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from massgen.config.schema.execution import CommandKeys, DockerCredentials, DockerPackages

IMAGE = "massgen/mcp-runtime:latest"
SUDO_IMAGE = "massgen/mcp-runtime-sudo:latest"
REGISTRY = "ghcr.io/"
LOCAL_INSTEAD = "Already running inside Docker container - switching to local execution mode"


class ContainerSettings(Struct, frozen=True, kw_only=True):
    """`image` is what the configuration names or the default; `name` is the container's (EXEC-032)."""

    agent_id: str
    instance: str
    image: str = IMAGE
    memory: str | None = None
    cpus: str | None = None
    network: Literal["none", "bridge", "host"] = "none"
    sudo: bool = False
    program: str = ""
    credentials: DockerCredentials = field(default_factory=DockerCredentials)
    packages: DockerPackages = field(default_factory=DockerPackages)

    @property
    def name(self) -> str:
        agent = re.sub(r"[^a-zA-Z0-9_.-]", "_", self.agent_id) or "agent"
        return f"massgen-{agent}-{self.instance}"


def container_settings(keys: CommandKeys, *, agent_id: str, instance: str) -> ContainerSettings:
    """The settings for `keys`: an image that is not named follows from `enable_sudo` (EXEC-066)."""
    cpus = keys.command_line_docker_cpu_limit
    return ContainerSettings(
        agent_id=agent_id,
        instance=instance,
        image=keys.command_line_docker_image or (SUDO_IMAGE if keys.command_line_docker_enable_sudo else IMAGE),
        memory=keys.command_line_docker_memory_limit,
        cpus=None if cpus is None else str(cpus),
        network=keys.command_line_docker_network_mode,
        sudo=keys.command_line_docker_enable_sudo,
        credentials=keys.command_line_docker_credentials,
        packages=keys.command_line_docker_packages,
    )


def effective_mode(mode: Literal["local", "docker"], root: Path = Path("/")) -> tuple[Literal["local", "docker"], str]:
    """The mode to use and a line for the log: inside a container, `docker` becomes `local` (EXEC-038)."""
    if mode == "docker" and (root / ".dockerenv").exists():
        return "local", LOCAL_INSTEAD
    if mode == "docker":
        return mode, "Commands run in a container: strong isolation"
    return mode, "Commands run on this machine: command patterns can be circumvented, the sandbox is what holds"
