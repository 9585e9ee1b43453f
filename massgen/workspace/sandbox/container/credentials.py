"""Credentials that a container gets: nothing that the configuration does not name (EXEC-050 to EXEC-056)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from massgen.config.environment import key_file_flaws, read_key_file
from massgen.config.schema.execution import DockerCredentials

HOME = "/home/massgen"

KNOWN_FILES: Mapping[str, str] = {
    "ssh_keys": ".ssh",
    "git_config": ".gitconfig",
    "gh_config": ".config/gh",
    "npm_config": ".npmrc",
    "pypi_config": ".pypirc",
    "claude_config": ".claude",
    "codex_config": ".codex",
}
"""Name in `mount` -> path below the home directories of host and container."""


class Bind(Struct, frozen=True, kw_only=True):
    """A host path inside the container."""

    source: str
    target: str
    read_only: bool


class Credentials(Struct, frozen=True, kw_only=True):
    """Mounts and variables; values are secrets and go to the engine through its environment only."""

    binds: tuple[Bind, ...]
    env: Mapping[str, str]


def collect(
    wanted: DockerCredentials, *, home: Path, host: Mapping[str, str], launch: Path, warn: Callable[[str], None]
) -> Credentials:
    """What `wanted` names. Missing files and variables are skipped with a warning; `env_vars` win (EXEC-054)."""
    binds: list[Bind] = []
    for name in wanted.mount:
        source = home / KNOWN_FILES[name]
        if source.exists():
            binds.append(Bind(source=str(source), target=f"{HOME}/{KNOWN_FILES[name]}", read_only=True))
        else:
            warn(f"command_line_docker_credentials.mount: {name} is skipped, there is no {source}")
    for path, mount in wanted.additional_mounts.items():
        source = Path(path).expanduser()
        if source.exists():
            binds.append(Bind(source=str(source), target=mount.bind, read_only=mount.mode == "ro"))
        else:
            warn(f"command_line_docker_credentials.additional_mounts: {path} is skipped, it does not exist")
    env = _variables(wanted, host=host, launch=launch, warn=warn)
    if "GITHUB_TOKEN" in env or "GH_TOKEN" in env or "gh_config" in wanted.mount:
        env = _git_asks_gh() | env
    return Credentials(binds=tuple(binds), env=env)


def _variables(
    wanted: DockerCredentials, *, host: Mapping[str, str], launch: Path, warn: Callable[[str], None]
) -> dict[str, str]:
    env: dict[str, str] = {}
    if wanted.pass_all_env:
        warn("command_line_docker_credentials.pass_all_env: every variable of this machine goes into the container")
        local = ("PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_")
        env |= {name: value for name, value in host.items() if name not in local and "\n" not in value}
    if wanted.env_file:
        path = launch / Path(wanted.env_file).expanduser()
        if not path.is_file():
            warn(f"command_line_docker_credentials.env_file: there is no {path}")
        listed = wanted.env_vars_from_file
        for flaw in key_file_flaws(path):
            warn(f"command_line_docker_credentials.env_file: {flaw}")
        values = read_key_file(path)
        env |= {name: value for name, value in values.items() if listed is None or name in listed}
    for name in wanted.env_vars:
        if name in host:
            env[name] = host[name]
        else:
            warn(f"command_line_docker_credentials.env_vars: {name} is not set")
    return env


def _git_asks_gh() -> dict[str, str]:
    """Let git ask the GitHub CLI for credentials, so that HTTPS clones authenticate (EXEC-055)."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": "!gh auth git-credential",
    }
