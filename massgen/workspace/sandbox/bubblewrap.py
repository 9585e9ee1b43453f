"""The argument list of bubblewrap, and whether bubblewrap works on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from msgspec import Struct

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.layout import SYSTEM, Place, places, private_system_files, tool_paths
from massgen.workspace.sandbox.protocol import Network

HOME = "/home/agent"


class Probe(Struct, frozen=True, kw_only=True):
    """What was found: the program, its optional arguments that work here, or why it does not."""

    program: str = ""
    options: tuple[str, ...] = ()
    reason: str = ""


@cache
def probe(search_path: str) -> Probe:
    """Try bubblewrap once, first with nested user namespaces forbidden, then without that."""
    program = shutil.which("bwrap", path=search_path)
    if program is None:
        return Probe(reason="bubblewrap (bwrap) is not installed")
    reason = ""
    for options in (("--unshare-user", "--disable-userns"), ("--unshare-user",)):
        command = [program, *options, "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        try:
            result = subprocess.run(command, capture_output=True, timeout=10, check=False, text=True)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Probe(reason=f"bubblewrap does not run: {error}")
        if result.returncode == 0:
            return Probe(program=program, options=options)
        reason = result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "it failed"
    return Probe(reason=f"the system forbids bubblewrap ({reason})")


def arguments(found: Probe, grants: Grants, private: Path, network: Network, search_path: str) -> list[str]:
    """The command line up to the program to run. `private` holds `home` and `tmp` of the agent."""
    line = [found.program, *found.options, "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL"]
    line += ["--hostname", "agent", "--clearenv"]
    if network == "none":
        line.append("--unshare-net")
    for root in SYSTEM:
        line += _system(Path(root))
    for path in private_system_files():
        line += _hide(path)
    line += _resolver(network)
    line += ["--proc", "/proc", "--dev", "/dev", "--size", str(64 << 20), "--tmpfs", "/dev/shm"]
    line += ["--bind", str(private / "tmp"), "/tmp", "--bind", str(private / "tmp"), "/var/tmp"]
    line += ["--bind", str(private / "home"), HOME]
    hidden: list[Path] = []
    tools = [Place(path=path, mode="read") for path in tool_paths(search_path)]
    for place in _merge(tools, places(grants)):
        line += _place(place)
        if place.mode == "hide" and place.path.is_dir():
            hidden.append(place.path)
    for path in reversed(hidden):
        line += ["--remount-ro", str(path)]
    return [*line, "--remount-ro", "/"]


def _merge(tools: list[Place], granted: tuple[Place, ...]) -> list[Place]:
    """Tools first where they lie outside of what is granted or denied around them; depth decides otherwise."""
    taken = {place.path for place in granted}
    both = [place for place in tools if place.path not in taken] + list(granted)
    return sorted(both, key=lambda place: len(place.path.parts))


def _system(root: Path) -> list[str]:
    if root.is_symlink():
        return ["--symlink", os.readlink(root), str(root)]
    return ["--ro-bind", str(root), str(root)] if root.exists() else []


def _hide(path: Path) -> list[str]:
    if path.is_dir():
        return ["--perms", "0755", "--tmpfs", str(path)]
    return ["--ro-bind", "/dev/null", str(path)]


def _place(place: Place) -> list[str]:
    match place.mode:
        case "write":
            return ["--bind", str(place.path), str(place.path)]
        case "read":
            return ["--ro-bind", str(place.path), str(place.path)]
        case "hide":
            return _hide(place.path)


def _resolver(network: Network) -> list[str]:
    """Name resolution, where `/etc/resolv.conf` leads out of `/etc`."""
    target = Path("/etc/resolv.conf")
    real = target.resolve()
    if network == "none" or not target.is_symlink() or real.is_relative_to("/etc") or not real.exists():
        return []
    return ["--ro-bind", str(real), str(real)]
