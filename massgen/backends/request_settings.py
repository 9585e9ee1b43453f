"""What a configuration asks of every request: sampling, reasoning, built-in tools, extras (BE-022 to BE-028).

Parameters that a model refuses are left out with a warning instead of failing the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from massgen.backends.capabilities import capabilities_of
from massgen.backends.endpoint import Endpoint
from massgen.backends.options import Options
from massgen.backends.wires import WIRES, WireName

if TYPE_CHECKING:
    from pydantic_ai.native_tools import AbstractNativeTool
    from pydantic_ai.settings import ModelSettings

EFFORT_SHARES = {"xhigh": 0.95, "high": 0.80, "medium": 0.50, "low": 0.20, "minimal": 0.10, "none": 0.0}
"""Part of `max_tokens` that an effort means where a budget is asked for (BE-028)."""

SMALLEST_BUDGET = 1024
"""Providers refuse smaller reasoning budgets."""


@dataclass(slots=True, kw_only=True)
class RequestSettings:
    """Settings of every request of one backend; `warnings` are told once."""

    values: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    native_tools: list[AbstractNativeTool] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def for_tools(self, offered: bool) -> ModelSettings:
        """The settings of one request; `offered` says whether it carries tools of ours."""
        values = dict(self.values)
        if not offered:
            values.pop("parallel_tool_calls", None)
        if self.body:
            values["extra_body"] = self.body
        return values  # pyright: ignore[reportReturnType]


def request_settings(options: Options, endpoint: Endpoint) -> RequestSettings:
    """Read `options` for the provider behind `endpoint`."""
    settings = RequestSettings(body=options.extras())
    for name in ("temperature", "top_p"):
        value = options.number(name)
        if value is not None:
            settings.values[name] = value
    max_tokens = options.number("max_tokens")
    if max_tokens is not None:
        settings.values["max_tokens"] = int(max_tokens)
    _SETTERS[WIRES[endpoint.type.name].name](options, endpoint, settings)
    _built_in_tools(options, endpoint, settings)
    return settings


def _responses(options: Options, _: Endpoint, settings: RequestSettings) -> None:
    reasoning, text = options.section("reasoning"), options.section("text")
    _set(settings, "openai_reasoning_effort", options.text("model_reasoning_effort") or reasoning.get("effort"))
    _set(settings, "openai_reasoning_summary", reasoning.get("summary"))
    _set(settings, "openai_text_verbosity", text.get("verbosity"))


def _chat(options: Options, endpoint: Endpoint, settings: RequestSettings) -> None:
    for name in ("top_k", "repetition_penalty"):
        _set_body(settings, name, options.get(name))
    if endpoint.server == "sglang":
        _set_body(settings, "separate_reasoning", options.get("separate_reasoning"))
    if _is_openrouter(endpoint):
        _openrouter(options, settings)
    else:
        _set(settings, "openai_reasoning_effort", options.section("reasoning").get("effort"))


def _openrouter(options: Options, settings: RequestSettings) -> None:
    """`reasoning` in OpenRouter's own form: a budget where one can be known, else the effort (BE-028)."""
    asked = options.section("reasoning")
    if not asked:
        return
    reasoning: dict[str, Any] = {}
    effort, budget = asked.get("effort"), asked.get("max_tokens")
    if budget is None and effort is None and "max_tokens" in settings.values:
        effort = "medium"
    if budget is None and effort is not None and "max_tokens" in settings.values:
        budget = round(settings.values["max_tokens"] * EFFORT_SHARES.get(effort, EFFORT_SHARES["medium"]))
    if budget is not None:
        reasoning["max_tokens"] = budget
    elif effort is not None:
        reasoning["effort"] = effort
    reasoning |= {name: value for name, value in asked.items() if name not in ("effort", "max_tokens")}
    if not reasoning.get("exclude"):
        reasoning.pop("exclude", None)
    settings.body["reasoning"] = reasoning


def _anthropic(options: Options, _: Endpoint, settings: RequestSettings) -> None:
    """Claude caches only what is marked: tools and system text, the same in every round, and the conversation where
    an agent has tools of its own to make it long."""
    settings.values["anthropic_cache_instructions"] = True
    if options.get("cwd") or options.get("mcp_servers") or options.get("custom_tools"):
        settings.values["anthropic_cache_messages"] = True
    betas = options.get("betas")
    if betas:
        settings.values["extra_headers"] = {"anthropic-beta": ",".join(betas)}
    _set_body(settings, "top_k", options.get("top_k"))
    reasoning = options.section("reasoning")
    budget = _budget(reasoning, settings)
    if budget is not None:
        settings.values["anthropic_thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif reasoning.get("effort") not in (None, "none"):
        settings.values["thinking"] = reasoning["effort"]
    if {"anthropic_thinking", "thinking"} & settings.values.keys():
        for name in ("temperature", "top_p"):
            if settings.values.pop(name, None) is not None:
                settings.warnings.append(f"'{name}' is left out: Claude takes none while it reasons.")


def _budget(reasoning: dict[str, Any] | Any, settings: RequestSettings) -> int | None:
    """Tokens to reason with: as asked, or the effort's share of `max_tokens`; always below `max_tokens`."""
    longest = settings.values.get("max_tokens")
    budget, effort = reasoning.get("max_tokens"), reasoning.get("effort")
    if budget is None and longest is not None and effort not in (None, "none"):
        budget = round(longest * EFFORT_SHARES.get(effort, EFFORT_SHARES["medium"]))
    if budget is None:
        return None
    budget = max(SMALLEST_BUDGET, int(budget))
    if longest is not None and budget >= longest:
        settings.warnings.append(f"Reasoning is left out: its {budget} tokens do not fit into max_tokens {longest}.")
        return None
    return budget


def _gemini(options: Options, _: Endpoint, settings: RequestSettings) -> None:
    safety = options.section("safety_settings")
    if safety:
        settings.values["google_safety_settings"] = [
            {"category": category, "threshold": threshold} for category, threshold in safety.items()
        ]
    reasoning = options.section("reasoning")
    if reasoning.get("max_tokens") is not None:
        settings.values["google_thinking_config"] = {
            "thinking_budget": reasoning["max_tokens"],
            "include_thoughts": True,
        }
    elif reasoning.get("effort") is not None:
        settings.values["thinking"] = False if reasoning["effort"] == "none" else reasoning["effort"]


def _built_in_tools(options: Options, endpoint: Endpoint, settings: RequestSettings) -> None:
    """Provider-side tools that were switched on; one that a type lacks is left out with a warning."""
    table = capabilities_of(endpoint.type.name)
    if options.flag("enable_web_search"):
        if _is_openrouter(endpoint):
            settings.body["plugins"] = [_web_plugin(options)]
        elif table.web_search_tool:
            settings.native_tools.append(_web_search(options))
        else:
            _unavailable(settings, endpoint, "enable_web_search")
    code = [name for name in ("enable_code_execution", "enable_code_interpreter") if options.flag(name)]
    if code:
        if table.code_execution_tool:
            from pydantic_ai.native_tools import CodeExecutionTool

            settings.native_tools.append(CodeExecutionTool())
        else:
            _unavailable(settings, endpoint, code[0])


def _web_search(options: Options) -> AbstractNativeTool:
    from pydantic_ai.native_tools import WebSearchTool

    size = options.text("search_context_size")
    return WebSearchTool(search_context_size=size) if size else WebSearchTool()  # pyright: ignore[reportArgumentType]


def _web_plugin(options: Options) -> dict[str, Any]:
    plugin: dict[str, Any] = {"id": "web"}
    for name in ("engine", "max_results", "search_context_size"):
        value = options.get(name)
        if value is not None:
            plugin[name] = value
    return plugin


def _unavailable(settings: RequestSettings, endpoint: Endpoint, switch: str) -> None:
    settings.warnings.append(f"'{switch}' has no effect: {endpoint.type.label} does not offer this tool.")


def _is_openrouter(endpoint: Endpoint) -> bool:
    return endpoint.type.name == "openrouter" or endpoint.host.endswith("openrouter.ai")


def _set(settings: RequestSettings, name: str, value: Any) -> None:
    if value is not None:
        settings.values[name] = value


def _set_body(settings: RequestSettings, name: str, value: Any) -> None:
    if value is not None:
        settings.body[name] = value


_Setter = Callable[[Options, Endpoint, RequestSettings], None]
_SETTERS: dict[WireName, _Setter] = {
    "responses": _responses,
    "chat": _chat,
    "azure": _chat,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
