"""One agent's connection to one provider (section 7 of the configuration part)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from massgen.config.schema.base import (
    Count,
    Flag,
    FreeMap,
    NotNegative,
    Number,
    Positive,
    Seconds,
    Section,
    Text,
    Texts,
    doc,
)
from massgen.config.schema.execution import CommandKeys
from massgen.config.schema.media import MediaKeys
from massgen.config.schema.tools import ToolKeys

Effort = Literal["xhigh", "high", "medium", "low", "minimal", "none"]


class Reasoning(Section):
    """How much a model thinks; other keys go to the provider."""

    open = True
    model_config = ConfigDict(extra="allow")

    effort: Annotated[Effort | None, doc("openai: low to high; codex and openrouter know more.")] = None
    summary: Annotated[Literal["auto", "concise", "detailed"] | None, doc("Summary (openai).")] = None
    max_tokens: Annotated[Positive | None, doc("Budget of reasoning tokens (openrouter).")] = None
    exclude: Annotated[Flag, doc("Hide the reasoning text (openrouter).")] = False


class TextOptions(Section):
    """Form of the text (openai); other keys go to the provider."""

    open = True
    model_config = ConfigDict(extra="allow")

    verbosity: Annotated[Literal["low", "medium", "high"] | None, doc("How much to write.")] = None


class CoreKeys(Section):
    """Type, model, key and limits of a call."""

    type: Annotated[Text, doc("Backend type, see the table of types.")] = ""
    model: Annotated[Text, doc("Model name; may be left out where the type has a default.")] = ""
    api_key: Annotated[
        Text | None, Field(repr=False), doc('Left out: the provider\'s variable; "EMPTY" for keyless servers.')
    ] = None
    base_url: Annotated[Text | None, doc("Endpoint; needed for chatcompletion.")] = None
    temperature: Annotated[Annotated[Number, Field(ge=0, le=2)] | None, doc("Sampling temperature.")] = None
    max_tokens: Annotated[Positive | None, doc("Longest response, in tokens.")] = None
    top_p: Annotated[Annotated[Number, Field(ge=0, le=1)] | None, doc("Nucleus sampling.")] = None
    timeout: Annotated[Seconds | None, doc("Limit of one request; left out: only the three below.")] = None
    connect_timeout: Annotated[Seconds, doc("Limit for connecting.")] = 10
    first_token_timeout: Annotated[Seconds, doc("Limit until the first word of a response.")] = 300
    idle_timeout: Annotated[Seconds, doc("Limit between two pieces of a response.")] = 120


class ProviderKeys(Section):
    """Settings that only some providers know."""

    reasoning: Annotated[Reasoning | None, doc("Reasoning options.")] = None
    text: Annotated[TextOptions | None, doc("Text options (openai).")] = None
    model_reasoning_effort: Annotated[
        Literal["low", "medium", "high", "xhigh"] | None, doc("codex; wins over reasoning.effort.")
    ] = None
    safety_settings: Annotated[dict[Text, Text] | None, doc("Harm category to threshold (gemini).")] = None
    betas: Annotated[Texts, doc("Beta headers (claude).")] = ()
    deployment_name: Annotated[Text | None, doc("Deployment; left out: the model (azure_openai).")] = None
    api_version: Annotated[
        Text | None, doc("Left out: AZURE_OPENAI_API_VERSION, else 2024-02-15-preview (azure_openai).")
    ] = None
    port: Annotated[Annotated[Positive, Field(le=65535)], doc("Port of LM Studio (lmstudio).")] = 1234
    top_k: Annotated[Count | None, doc("vllm, sglang, chatcompletion.")] = None
    repetition_penalty: Annotated[NotNegative | None, doc("vllm, sglang, chatcompletion.")] = None
    separate_reasoning: Annotated[Flag | None, doc("sglang.")] = None
    engine: Annotated[Literal["exa", "native"] | None, doc("Web search engine (openrouter).")] = None
    max_results: Annotated[Positive | None, doc("Web search results (openrouter).")] = None
    search_context_size: Annotated[Literal["low", "medium", "high"] | None, doc("Web search context (openrouter).")] = (
        None
    )
    script: Annotated[Text | None, doc("File with the script of a simulated team (simulated).")] = None
    pace: Annotated[NotNegative | None, doc("How fast a simulated team writes; 0 = at once (simulated).")] = None
    text_protocol: Annotated[Flag, doc("Coordinate by text instead of tool calls, for models without them.")] = False
    enable_web_search: Annotated[Flag, doc("The provider's web search.")] = False
    enable_code_execution: Annotated[Flag, doc("The provider's sandbox (claude, gemini).")] = False
    enable_code_interpreter: Annotated[Flag, doc("The provider's sandbox (openai).")] = False


class AgentBackendKeys(Section):
    """Keys of command-line agents and frameworks, and debug keys."""

    permission_mode: Annotated[
        Literal["bypassPermissions", "default", "reject"] | None,
        doc("claude_code: bypassPermissions (also: approve), default (also: prompt), reject."),
    ] = None
    max_thinking_tokens: Annotated[Count, doc("claude_code.")] = 8000
    system_prompt: Annotated[Text | None, doc("Put before the default instructions (claude_code).")] = None
    append_system_prompt: Annotated[Text | None, doc("Put after the instructions.")] = None
    use_default_prompt: Annotated[Flag, doc("Keep the program's own prompt (claude_code).")] = False
    copilot_system_message_mode: Annotated[Literal["append", "replace"], doc("copilot.")] = "append"
    copilot_permission_policy: Annotated[Literal["approve", "deny"], doc("copilot.")] = "approve"
    agent_config: Annotated[FreeMap | None, doc("Agent of the framework (ag2).")] = None
    agent_type: Annotated[Literal["ConversableAgent", "AssistantAgent"] | None, doc("Flat form (ag2).")] = None
    llm_config: Annotated[FreeMap | None, doc("Flat form (ag2).")] = None
    code_execution_config: Annotated[FreeMap | None, doc("Flat form (ag2).")] = None
    debug_delay_seconds: Annotated[NotNegative, doc("Debug: pause once for so long.")] = 0
    debug_delay_after_n_tools: Annotated[Count, doc("Debug: after so many tool calls.")] = 3


class BackendConfig(AgentBackendKeys, MediaKeys, CommandKeys, ToolKeys, ProviderKeys, CoreKeys):
    """A backend. Keys that are not listed here go to the provider's request unchanged (CFG-043)."""

    open = True
    required = ("type",)
    also: ClassVar[dict[str, str]] = {**CommandKeys.also, "system_message": "moved to the agent"}
    model_config = ConfigDict(extra="allow")

    cwd: Annotated[Text | None, doc("Name of the agent's workspace; use plain `workspace`.")] = None

    @property
    def extra(self) -> Mapping[str, Any]:
        """Keys of the provider that the schema does not know, to be passed through."""
        return self.model_extra or {}
