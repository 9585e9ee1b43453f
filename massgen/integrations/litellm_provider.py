"""A provider `massgen` for LiteLLM (API-060 to API-071); the extra is `massgen[litellm]`.

massgen.register_with_litellm()
litellm.completion(model="massgen/basic_multi", messages=[{"role": "user", "content": "..."}])
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from massgen.errors import ConfigError, ConfigurationError, MissingExtra
from massgen.runs.chats import BadChatRequest, parse_messages


def _is_installed() -> bool:
    try:
        return find_spec("litellm") is not None
    except ImportError:
        return False


LITELLM_AVAILABLE = _is_installed()
PROVIDER = "massgen"
PARAMETERS = frozenset(
    {
        "models", "model", "num_agents", "enable_filesystem", "context_paths", "use_docker", "enable_logging",
        "output_file",
    }
)  # fmt: skip
HIDDEN = (
    "config_used", "session_id", "log_directory", "final_answer_path", "selected_agent", "vote_results", "answers",
    "agent_mapping",
)  # fmt: skip
_OF_A_TEAM = ("selected_agent", "vote_results", "answers", "agent_mapping")


def register_with_litellm() -> None:
    """Make models `massgen/...` known to LiteLLM; further calls change nothing. Raises `MissingExtra`."""
    if not LITELLM_AVAILABLE:
        raise MissingExtra("LiteLLM", "litellm")
    import litellm  # pyright: ignore[reportMissingImports]
    from litellm.utils import custom_llm_setup  # pyright: ignore[reportMissingImports]

    from massgen.integrations.litellm_models import MassGenModels

    if all(item["provider"] != PROVIDER for item in litellm.custom_provider_map):
        litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": MassGenModels()})
    custom_llm_setup()


def run_arguments(model: str, messages: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `massgen.run` for a model string without `massgen/`; raises `ConfigurationError`.

    Parameters come nested in `optional_params`, flat, or both (conflict 23); others are for other providers.
    """
    parameters = _parameters(given)
    try:
        chat = parse_messages(messages)
    except BadChatRequest as error:
        raise ConfigurationError(error.message) from error
    arguments: dict[str, Any] = {"query": chat.question, "history": chat.history, "instructions": chat.instructions}
    common = ("enable_filesystem", "context_paths", "enable_logging", "output_file", "use_docker", "num_agents")
    arguments |= {key: parameters[key] for key in common if parameters.get(key) is not None}
    kind, _, rest = model.partition(":")
    if model == "build":
        if not parameters.get("models") and not parameters.get("model"):
            hint = 'As in optional_params={"models": ["gpt-5", "claude-sonnet-4-5"]}'
            raise ConfigurationError("massgen/build needs 'models' or 'model' in optional_params.", hint=hint)
        arguments |= {key: parameters[key] for key in ("models", "model") if parameters.get(key)}
    elif kind == "model" and rest:
        arguments["model"] = rest
    elif kind == "path" and rest:
        arguments["config"] = rest
    elif model:
        arguments["config"] = f"@examples/{model}"
    else:
        raise ConfigurationError("The model is empty.", hint="Use massgen/build, massgen/NAME or massgen/model:NAME")
    return arguments


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    nested = given.get("optional_params")
    if nested is not None and not isinstance(nested, Mapping):
        raise ConfigurationError("optional_params must be a dictionary.")
    known = {key: value for key, value in given.items() if key in PARAMETERS}
    for key, value in (nested or {}).items():
        if key not in PARAMETERS:
            raise ConfigurationError(f"optional_params: unknown key {key!r}.", hint=", ".join(sorted(PARAMETERS)))
        known[key] = value
    for key, kind in (("models", list), ("model", str), ("num_agents", int), ("output_file", str)):
        if known.get(key) is not None and not isinstance(known[key], kind):
            raise ConfigurationError(f"optional_params: {key} must be a {kind.__name__}.")
    return known


def hidden_parameters(result: Mapping[str, Any]) -> dict[str, Any]:
    """`_hidden_params` of the response: the data of a `run()` result; team keys are None for one agent (API-065)."""
    alone = not result["agent_mapping"]
    return {f"massgen_{key}": None if alone and key in _OF_A_TEAM else result[key] for key in HIDDEN}


def check_answered(result: Mapping[str, Any]) -> None:
    """Raises `ConfigError` or a general error where there is no answer."""
    if not result["final_answer"]:
        from massgen.errors import ExecutionError

        text = result["error"] or "The team gave no answer."
        raise ConfigError(text) if result["exit_code"] == 1 else ExecutionError(text)
