"""The top level of a configuration."""

from typing import Annotated, ClassVar

from massgen.config.schema.agent import AgentConfig
from massgen.config.schema.base import Section, Text, doc
from massgen.config.schema.filesystem_first import FilesystemFirst
from massgen.config.schema.hooks import Hooks
from massgen.config.schema.memory import FilesystemMemory, MemoryConfig
from massgen.config.schema.orchestrator import OrchestratorConfig
from massgen.config.schema.timeouts import TimeoutSettings
from massgen.config.schema.ui import UiConfig

OLD_FORM = ("models", "num_agents")  # top-level keys of files of the first version (CFG-070)


class Config(Section):
    """A whole configuration. Keys that begin with `x-` are free, for anchors of your own."""

    required = ("agents",)
    also: ClassVar[dict[str, str]] = {
        "agent": "one agent instead of `agents`",
        "coordination": "moved to `orchestrator.coordination`, with a warning",
        "evaluation_criteria_generator": "moved to `orchestrator`",
    }

    agents: Annotated[tuple[AgentConfig, ...], doc("The team, one or more.")] = ()
    orchestrator: Annotated[OrchestratorConfig, doc("The team as a whole.")] = OrchestratorConfig.model_construct()
    ui: Annotated[UiConfig, doc("Display and logging.")] = UiConfig.model_construct()
    timeout_settings: Annotated[TimeoutSettings, doc("Time limits.")] = TimeoutSettings.model_construct()
    memory: Annotated[MemoryConfig | None, doc("Conversation and vector memory; absent = off.")] = None
    filesystem_memory: Annotated[FilesystemMemory | None, doc("Memory in files; absent = off.")] = None
    hooks: Annotated[Hooks, doc("Hooks around the tool calls of all agents.")] = Hooks.model_construct()
    session_id: Annotated[Text | None, doc("Session to continue; left out: a new one.")] = None
    massgen: Annotated[FilesystemFirst, doc("Filesystem-first mode.")] = FilesystemFirst.model_construct()
    task: Annotated[Text | None, doc("Question used when none is given.")] = None
