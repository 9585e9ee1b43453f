"""Where an agent's commands run in a run: sandboxes built from its policy."""

from __future__ import annotations

from collections.abc import Callable

from massgen.config import BackendConfig, LoadedConfig
from massgen.runs.workfiles import AgentWork
from massgen.workspace.grants import PathPolicy
from massgen.workspace.sandbox.agent import AgentSandboxes
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.protocol import Sandbox


def command_place(
    backend: BackendConfig, work: AgentWork, loaded: LoadedConfig, *, warn: Callable[[str], None]
) -> AgentSandboxes:
    """The sandboxes of one agent; the first is made when a command needs it."""
    settings = LocalSettings(
        network=backend.command_line_network,
        passthrough=tuple(backend.command_line_env_passthrough or ()),
    )
    private = work.private_directory()
    dotenv = tuple(loaded.environment.file_values())

    def make(policy: PathPolicy) -> Sandbox:
        return choose_sandbox(
            settings, policy.grants, private=private, workspace=policy.workspace, warn=warn, dotenv_names=dotenv
        )

    return AgentSandboxes(work.policy(), make)
