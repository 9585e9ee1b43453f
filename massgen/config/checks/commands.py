"""Command lines and containers (CFG-071, CFG-072, EXEC-025, EXEC-061, AUTO-085)."""

from __future__ import annotations

import re

from massgen.config.diagnostics import Path
from massgen.config.findings import Findings
from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.root import Config

BRIDGE_ONLY = frozenset({"codex", "gemini_cli"})


def check_commands(config: Config, findings: Findings) -> None:
    """The command line of every agent."""
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index, "backend")
        backend = agent.backend
        _check_patterns(backend, path, findings)
        _check_packages(backend, path, findings)
        docker = backend.command_line_execution_mode == "docker"
        if docker and backend.type in BRIDGE_ONLY and backend.command_line_docker_network_mode != "bridge":
            message = f"'{backend.type}' in a container needs the network mode 'bridge'"
            advice = "Set 'command_line_docker_network_mode: bridge'"
            findings.error((*path, "command_line_docker_network_mode"), message, advice)
        if docker and "massgen" in (agent.system_message or "").lower():
            message = "A run inside of a container gets neither the credentials of this machine nor the massgen package"
            advice = "For runs of massgen by this agent set 'command_line_execution_mode: local'"
            findings.hint((*path, "command_line_execution_mode"), message, advice)
        if backend.command_line_docker_credentials.pass_all_env:
            where: Path = (*path, "command_line_docker_credentials", "pass_all_env")
            findings.warning(where, "Every variable of this machine, keys included, reaches the container")
        cpu = backend.command_line_docker_cpu_limit
        if isinstance(cpu, str) and not re.fullmatch(r"\d+(\.\d+)?", cpu):
            findings.error((*path, "command_line_docker_cpu_limit"), f"'{cpu}' is no number of processors")


def _check_patterns(backend: BackendConfig, path: Path, findings: Findings) -> None:
    for key in ("command_line_allowed_commands", "command_line_blocked_commands"):
        for number, pattern in enumerate(getattr(backend, key) or ()):
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                message = f"'{pattern}' is no valid regular expression: {error}"
                findings.error((*path, key, number), message)


def _check_packages(backend: BackendConfig, path: Path, findings: Findings) -> None:
    packages = backend.command_line_docker_packages.preinstall
    wanted = [kind for kind in ("system", "python", "npm") if getattr(packages, kind)]
    if not wanted:
        return
    where: Path = (*path, "command_line_docker_packages")
    if backend.command_line_docker_network_mode != "bridge":
        message = "Packages can only be installed with the network mode 'bridge'"
        findings.error(where, message, "Set 'command_line_docker_network_mode: bridge'")
    privileged = [kind for kind in wanted if kind != "python"]
    if privileged and not backend.command_line_docker_enable_sudo:
        message = f"{' and '.join(privileged)} packages need sudo in the container"
        findings.error(where, message, "Set 'command_line_docker_enable_sudo: true'")
