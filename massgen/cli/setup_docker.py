"""`massgen --setup-docker`: see whether an engine answers, and get the images (CFG-087)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from massgen.errors import EXIT_CONFIG, EXIT_OK

Say = Callable[[str], None]


def setup_docker(say: Say, *, sudo: bool = True) -> int:
    """Report the engine, pull or build the runtime images, and return the exit code; `say` shows one line."""
    from massgen.workspace.sandbox.container.engine import ContainerUnavailable, find_engine, old_version
    from massgen.workspace.sandbox.container.settings import IMAGE, SUDO_IMAGE

    try:
        engine = find_engine()
        version = asyncio.run(engine.version())
    except ContainerUnavailable as error:
        say(str(error))
        return EXIT_CONFIG
    say(f"{Path(engine.program).name} {version} answers.")
    if warning := old_version(version, podman=engine.is_podman):
        say(f"Warning: {warning}")
    ready = [_get(engine.program, image, say) for image in ([IMAGE, SUDO_IMAGE] if sudo else [IMAGE])]
    if all(ready):
        say("Ready: use command_line_execution_mode: docker.")
        return EXIT_OK
    return EXIT_CONFIG


def _get(program: str, image: str, say: Say) -> bool:
    """Present, pulled under its registry name, or built; the engine's own output goes to the terminal."""
    from massgen.workspace.sandbox.container.settings import REGISTRY, SUDO_IMAGE

    if subprocess.run([program, "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        say(f"{image} is present.")
        return True
    say(f"Pulling {REGISTRY}{image} ...")
    if subprocess.run([program, "pull", REGISTRY + image], check=False).returncode == 0:
        subprocess.run([program, "tag", REGISTRY + image, image], check=False)
        return True
    say(f"Building {image} ...")
    script = Path(__file__).resolve().parents[1] / "docker" / "build.sh"
    built = subprocess.run(
        ["bash", str(script), *(["--sudo"] if image == SUDO_IMAGE else [])],
        env=_with_engine(program),
        check=False,
    )
    say(f"{image} is built." if built.returncode == 0 else f"{image} could not be built; see the lines above.")
    return built.returncode == 0


def _with_engine(program: str) -> dict[str, str]:
    return os.environ | {"MASSGEN_CONTAINER_ENGINE": program}
