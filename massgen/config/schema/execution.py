"""Commands of one agent (EXEC-001 to 062)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from massgen.config.schema.base import Flag, Number, Seconds, Section, Text, Texts, doc

CredentialMount = Literal[
    "ssh_keys", "git_config", "gh_config", "npm_config", "pypi_config", "claude_config", "codex_config"
]


class Mount(Section):
    """A host path inside the container."""

    required = ("bind",)

    bind: Annotated[Text, doc("Path in the container.")]
    mode: Annotated[Literal["ro", "rw"], doc("Read-only or writable.")] = "ro"


class DockerCredentials(Section):
    """Credentials a container gets; nothing that is not listed."""

    mount: Annotated[tuple[CredentialMount, ...], doc("Known files, mounted read-only.")] = ()
    env_file: Annotated[Text | None, doc("A .env file.")] = None
    env_vars_from_file: Annotated[Texts | None, doc("Only these variables of it; left out: all.")] = None
    env_vars: Annotated[Texts, doc("Variables of the host.")] = ()
    pass_all_env: Annotated[Flag, doc("All variables of the host (with a warning).")] = False
    additional_mounts: Annotated[dict[Text, Mount], doc("Host path to mount.")] = Field(default_factory=dict)


class Preinstall(Section):
    """Packages by kind, installed before agents start."""

    system: Annotated[Texts, doc("apt packages; need sudo and bridge.")] = ()
    python: Annotated[Texts, doc("pip packages; need bridge.")] = ()
    npm: Annotated[Texts, doc("npm packages; need sudo and bridge.")] = ()


class DockerPackages(Section):
    """Packages for the container."""

    also: ClassVar[dict[str, str]] = {
        "apt": "the same as `preinstall.system`",
        "pip": "the same as `preinstall.python`",
        "npm": "the same as `preinstall.npm`",
    }

    preinstall: Annotated[Preinstall, doc("Packages by kind.")] = Preinstall.model_construct()


class CommandKeys(Section):
    """The command line inside `backend`."""

    also: ClassVar[dict[str, str]] = {
        "command_line_whitelist_patterns": "the same as `command_line_allowed_commands`; both are joined",
        "command_line_blacklist_patterns": "the same as `command_line_blocked_commands`; both are joined",
        "blocked_commands": "the same as `command_line_blocked_commands`",
    }

    enable_mcp_command_line: Annotated[Flag, doc("Give the agent a command line.")] = False
    command_line_execution_mode: Annotated[
        Literal["local", "docker"], doc("In a sandbox of this machine, or in a container.")
    ] = "local"
    command_line_timeout: Annotated[Seconds, doc("Limit of one command.")] = 60
    command_line_allowed_commands: Annotated[Texts | None, doc("Regular expressions; only matching commands run.")] = (
        None
    )
    command_line_blocked_commands: Annotated[
        Texts | None, doc("Regular expressions; matching commands are refused.")
    ] = None
    command_line_env_passthrough: Annotated[
        Texts, doc("Secret variables of the host that local commands may see.")
    ] = ()
    command_line_network: Annotated[Literal["host", "none"], doc("Network of local commands.")] = "host"
    command_line_docker_image: Annotated[
        Text | None, doc("Image; left out: massgen/mcp-runtime:latest, with sudo the sudo image.")
    ] = None
    command_line_docker_memory_limit: Annotated[Text | None, doc('As in "2g" or "512m".')] = None
    command_line_docker_cpu_limit: Annotated[Number | Text | None, doc('As in 4.0 or "2.0".')] = None
    command_line_docker_network_mode: Annotated[Literal["none", "bridge", "host"], doc("Network of the container.")] = (
        "none"
    )
    command_line_docker_enable_sudo: Annotated[Flag, doc("sudo in the container.")] = False
    command_line_docker_credentials: Annotated[DockerCredentials, doc("Credentials passed in.")] = (
        DockerCredentials.model_construct()
    )
    command_line_docker_packages: Annotated[DockerPackages, doc("Packages installed first.")] = (
        DockerPackages.model_construct()
    )
