"""`orchestrator`: storage, shape of the coordination, limits (section 1 of the coordination part)."""

from typing import Annotated, Literal

from pydantic import Field

from massgen.config.schema.base import (
    Flag,
    Fraction,
    NotNegative,
    Number,
    Positive,
    Section,
    Text,
    Texts,
    doc,
)
from massgen.config.schema.coordination import CoordinationConfig
from massgen.config.schema.timeouts import TimeoutSettings
from massgen.config.schema.voting import VotingKeys


class ContextPath(Section):
    """A path of the user that agents may see (WS-050)."""

    required = ("path", "permission")

    path: Annotated[Text, doc("Directory or file; absolute is best.")]
    permission: Annotated[Literal["read", "write"], doc("write: the winner may change it in the final presentation.")]
    protected_paths: Annotated[Texts, doc("Parts that stay read-only, relative to `path`.")] = ()


class FileSystem(Section):
    """Short switch: a workspace for every agent (CFG-055)."""

    enabled: Annotated[Flag, doc("Give every agent without `cwd` a workspace.")] = False
    use_docker: Annotated[Flag, doc("Run the commands of all agents in containers.")] = False


class CriteriaGenerator(Section):
    """Evaluation criteria made for the task (COORD-077)."""

    enabled: Annotated[Flag, doc("Generate criteria.")] = False
    min_criteria: Annotated[Positive, doc("Fewest.")] = 4
    max_criteria: Annotated[Positive, doc("Most.")] = 7


class DspyBackend(Section):
    """The model that paraphrases."""

    required = ("type", "model")

    type: Annotated[
        Literal["openai", "anthropic", "gemini", "lmstudio", "vllm", "cerebras"] | None, doc("Provider.")
    ] = None
    model: Annotated[Text | None, doc("Model.")] = None
    api_key: Annotated[Text | None, Field(repr=False), doc("Left out: the provider's variable.")] = None
    base_url: Annotated[Text | None, doc("Endpoint.")] = None
    temperature: Annotated[Annotated[Number, Field(ge=0, le=2)] | None, doc("Temperature.")] = None
    max_tokens: Annotated[Positive | None, doc("Longest paraphrase.")] = None


class Dspy(Section):
    """Paraphrases of the question, one for each agent (COORD-135 to 139)."""

    enabled: Annotated[Flag, doc("Paraphrase.")] = False
    backend: Annotated[DspyBackend | None, doc("Needed when enabled.")] = None
    num_variants: Annotated[Positive, doc("How many; up to 10 make sense.")] = 3
    strategy: Annotated[Literal["balanced", "diverse", "conservative", "adaptive"], doc("How far they may differ.")] = (
        "balanced"
    )
    cache_enabled: Annotated[Flag, doc("Reuse earlier paraphrases.")] = True
    semantic_threshold: Annotated[Fraction, doc("Least likeness in meaning.")] = 0.85
    validate_semantics: Annotated[Flag, doc("Check that the meaning is kept.")] = True
    use_chain_of_thought: Annotated[Flag, doc("Let the model reason first.")] = False
    temperature_range: Annotated[tuple[NotNegative, NotNegative] | None, doc("[low, high]; left out: by strategy.")] = (
        None
    )


class OrchestratorConfig(VotingKeys):
    """The team as a whole."""

    snapshot_storage: Annotated[Text, doc("Directory of snapshots, below .massgen.")] = "snapshots"
    agent_temporary_workspace: Annotated[
        Text, doc("Directory where agents see each other's files, below .massgen.")
    ] = "temp_workspaces"
    session_storage: Annotated[Text, doc("Directory of sessions, below .massgen.")] = "sessions"
    file_system: Annotated[FileSystem | None, doc("Short switch for workspaces.")] = None
    context_paths: Annotated[tuple[ContextPath, ...], doc("Paths of the user.")] = ()
    evaluation_criteria_generator: Annotated[CriteriaGenerator, doc("Criteria for the task.")] = (
        CriteriaGenerator.model_construct()
    )
    skip_coordination_rounds: Annotated[Flag, doc("Debug: straight to the final presentation.")] = False
    debug_final_answer: Annotated[Text | None, doc("Debug: replaces the answer of attempt 1.")] = None
    max_cost_usd: Annotated[NotNegative | None, doc("Budget of the run in USD; null = none.")] = None
    max_total_tokens: Annotated[Positive | None, doc("Budget of the run in tokens; null = none.")] = None
    timeout: Annotated[TimeoutSettings, doc("The keys of `timeout_settings`, which win.")] = (
        TimeoutSettings.model_construct()
    )
    dspy: Annotated[Dspy | None, doc("Paraphrases of the question.")] = None
    coordination: Annotated[CoordinationConfig, doc("How the team works together.")] = (
        CoordinationConfig.model_construct()
    )
