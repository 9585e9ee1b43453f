"""The image to run: local if present, pulled otherwise, the registry's copy as a last resort (S-17)."""

from __future__ import annotations

from collections.abc import Callable

from massgen.workspace.sandbox.container.engine import ContainerUnavailable, Engine
from massgen.workspace.sandbox.container.settings import IMAGE, REGISTRY, SUDO_IMAGE

_PULL_SECONDS = 1800.0


async def present_image(engine: Engine, image: str, warn: Callable[[str], None]) -> str:
    """A name of the image that is present now; raises `ContainerUnavailable`."""
    names = [image] + ([REGISTRY + image] if image in (IMAGE, SUDO_IMAGE) else [])
    for name in names:
        if (await engine.ask("image", "inspect", name)).code == 0:
            return name
    reason = ""
    for name in reversed(names):
        warn(f"Pulling the image {name}; this happens once")
        pulled = await engine.ask("pull", "--quiet", name, timeout=_PULL_SECONDS)
        if pulled.code == 0:
            return name
        reason = pulled.reason
    sudo = " --sudo" if image == SUDO_IMAGE else ""
    raise ContainerUnavailable(
        f"Failed to pull Docker image {image}: {reason}", hint=f"Build it with: bash massgen/docker/build.sh{sudo}"
    )
