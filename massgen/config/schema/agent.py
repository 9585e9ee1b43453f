"""One agent of the team."""

from typing import Annotated, ClassVar

from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.base import NotNegative, Positive, Section, Text, doc
from massgen.config.schema.memory import MemoryConfig


class AgentConfig(Section):
    """One agent. `agents` is a list of them; a map by id, or one `agent`, is read too."""

    required = ("id", "backend")
    also: ClassVar[dict[str, str]] = {
        "cwd": "moved to `backend.cwd`",
        "append_system_prompt": "moved to `backend.append_system_prompt`",
        "task": "the default question, as at top level",
        "backend_name": "older form of `backend.type`",
        "backend_params": "older form of the other backend keys",
    }

    id: Annotated[Text, doc("Unique name; people see it, other agents never do.")] = ""
    backend: Annotated[BackendConfig, doc("Its provider and tools.")] = BackendConfig.model_construct()
    system_message: Annotated[Text | None, doc("Kept, and combined with generated instructions.")] = None
    subtask: Annotated[Text | None, doc("This agent's share in decomposition mode.")] = None
    memory: Annotated[MemoryConfig | None, doc("Merged over the top-level section.")] = None
    subagent_agents: Annotated[tuple["AgentConfig", ...] | None, doc("Team for the subagents this agent starts.")] = (
        None
    )
    max_cost_usd: Annotated[NotNegative | None, doc("Budget of this agent in USD; null = none.")] = None
    max_total_tokens: Annotated[Positive | None, doc("Budget of this agent in tokens; null = none.")] = None
