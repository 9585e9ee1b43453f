"""The backend types a configuration may name, as data (BE-001, BE-002, BE-010, the table "Credentials").

Only what is needed to read a configuration: kinds, key variables, default endpoints, default models. What a
type can do (its capabilities) is the business of the backends and builds on this table.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["api", "preset", "local", "agent", "framework", "simulated", "own"]
"""api: a provider's own wire format. preset: OpenAI-compatible with a known endpoint. local: a server of the
user. agent: a command-line agent with its own loop. framework: ag2. simulated: scripted, no network. own: registered
by a program that uses the library."""


class BackendType(Struct, frozen=True, kw_only=True):
    """One `backend.type`.

    `key_variables` are looked up in order when `api_key` is left out; `needs_key` says whether a run is
    impossible without a key; `base_url` is the default endpoint, None where the provider's library knows it
    or where the user must give one; `default_model` is set where `model` may be left out.
    """

    name: str
    kind: Kind
    label: str
    key_variables: tuple[str, ...] = ()
    needs_key: bool = False
    base_url: str | None = None
    base_url_variable: str | None = None
    needs_base_url: bool = False
    default_model: str | None = None
    needs_model: bool = True


def _api(name: str, label: str, *keys: str, **more: str) -> BackendType:
    return BackendType(name=name, kind="api", label=label, key_variables=keys, needs_key=True, **more)  # pyright: ignore[reportArgumentType]


def _preset(name: str, label: str, url: str, *keys: str) -> BackendType:
    return BackendType(name=name, kind="preset", label=label, key_variables=keys, needs_key=True, base_url=url)


def _agent(name: str, label: str, model: str, *keys: str) -> BackendType:
    return BackendType(name=name, kind="agent", label=label, key_variables=keys, default_model=model)


_TYPES = (
    _api("openai", "OpenAI", "OPENAI_API_KEY", base_url_variable="OPENAI_BASE_URL"),
    _api("claude", "Anthropic", "ANTHROPIC_API_KEY", base_url_variable="ANTHROPIC_BASE_URL"),
    _api("gemini", "Google Gemini", "GOOGLE_API_KEY", "GEMINI_API_KEY", base_url_variable="GEMINI_BASE_URL"),
    _api("grok", "xAI Grok", "XAI_API_KEY", base_url="https://api.x.ai/v1", base_url_variable="XAI_BASE_URL"),
    _api(
        "azure_openai",
        "Azure OpenAI",
        "AZURE_OPENAI_API_KEY",
        base_url_variable="AZURE_OPENAI_ENDPOINT",
    ),
    _preset("zai", "Z AI", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    BackendType(
        name="chatcompletion",
        kind="api",
        label="OpenAI-compatible server",
        key_variables=("OPENAI_API_KEY",),
        needs_base_url=True,
    ),
    _preset("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    _preset("cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    _preset("together", "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    _preset("fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    _preset("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    _preset(
        "qwen",
        "Qwen",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "QWEN_API_KEY",
        "DASHSCOPE_API_KEY",
    ),
    _preset("moonshot", "Moonshot", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY"),
    _preset("nebius", "Nebius", "https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
    BackendType(name="lmstudio", kind="local", label="LM Studio", base_url="http://localhost:1234/v1"),
    BackendType(name="vllm", kind="local", label="vLLM", base_url="http://localhost:8000/v1"),
    BackendType(
        name="sglang",
        kind="local",
        label="SGLang",
        key_variables=("SGLANG_API_KEY",),
        base_url="http://localhost:30000/v1",
    ),
    BackendType(name="inference", kind="local", label="inference server", base_url="http://localhost:8000/v1"),
    _agent(
        "claude_code",
        "Claude Code",
        "claude-sonnet-4-5-20250929",
        "CLAUDE_CODE_API_KEY",
        "ANTHROPIC_API_KEY",
    ),
    _agent("codex", "Codex", "gpt-5.4", "OPENAI_API_KEY"),
    _agent("gemini_cli", "Gemini CLI", "gemini-2.5-pro", "GOOGLE_API_KEY", "GEMINI_API_KEY"),
    _agent("copilot", "Copilot", "gpt-5-mini", "GH_TOKEN", "GITHUB_TOKEN"),
    BackendType(name="ag2", kind="framework", label="AG2", needs_model=False),
    BackendType(name="simulated", kind="simulated", label="simulated team", needs_model=False),
)

BACKEND_TYPES: dict[str, BackendType] = {entry.name: entry for entry in _TYPES}
"""All types by name, in the order in which they are listed to people."""

SILENT_ALIASES = {"gemini-cli": "gemini_cli"}
WARNED_ALIASES = {"anthropic": "claude", "google": "gemini"}
"""Other spellings; the warned ones work, and the validator names the right value (BE-002)."""

SUGGESTED = {"gpt": "openai", "xai": "grok", "azure": "azure_openai", "together_ai": "together"}
"""Wrong values with a known meaning: errors that suggest the right one."""

MODEL_PREFIXES: tuple[tuple[str, str], ...] = (
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("chatgpt", "openai"),
    ("claude", "claude"),
    ("gemini", "gemini"),
    ("grok", "grok"),
    ("glm", "zai"),
)
"""Bare model names choose the backend by their beginning (BE-004)."""

HOST_KEY_VARIABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("api.openai.com", ("OPENAI_API_KEY",)),
    ("api.cerebras.ai", ("CEREBRAS_API_KEY",)),
    ("api.together.xyz", ("TOGETHER_API_KEY",)),
    ("api.fireworks.ai", ("FIREWORKS_API_KEY",)),
    ("api.groq.com", ("GROQ_API_KEY",)),
    ("openrouter.ai", ("OPENROUTER_API_KEY",)),
    ("api.moonshot.cn", ("MOONSHOT_API_KEY",)),
    ("api.studio.nebius.ai", ("NEBIUS_API_KEY",)),
    ("dashscope-intl.aliyuncs.com", ("QWEN_API_KEY", "DASHSCOPE_API_KEY")),
    ("dashscope.aliyuncs.com", ("QWEN_API_KEY", "DASHSCOPE_API_KEY")),
    ("api.z.ai", ("ZAI_API_KEY",)),
    ("api.poe.com", ("POE_API_KEY",)),
    ("api.x.ai", ("XAI_API_KEY",)),
)
"""chatcompletion: the host of `base_url` chooses the key variable (BE-012)."""

REROUTED_FROM = frozenset({"openai", "claude", "gemini", "grok"})
"""Types whose `model` may name another provider before the first slash (BE-003)."""


def canonical_type(name: str) -> str | None:
    """The type that `name` or an alias of it means; None where there is none."""
    if name in BACKEND_TYPES:
        return name
    return SILENT_ALIASES.get(name) or WARNED_ALIASES.get(name)


def backend_type(name: str) -> BackendType:
    """The entry of `name` or of the type it is an alias of; KeyError for an unknown type."""
    return BACKEND_TYPES[canonical_type(name) or name]


def type_of_model(model: str) -> str | None:
    """The type that a bare model name belongs to by its beginning (BE-004), or None."""
    lowered = model.lower()
    return next((name for prefix, name in MODEL_PREFIXES if lowered.startswith(prefix)), None)


def split_model(text: str) -> tuple[str | None, str]:
    """`provider/model` at the first slash, where the first part names a type; else (None, text) (BE-003)."""
    head, slash, rest = text.partition("/")
    name = canonical_type(head.lower()) if slash and rest else None
    return (name, rest) if name else (None, text)


def key_variables(name: str, base_url: str | None = None) -> tuple[str, ...]:
    """Variables that may hold the key of a backend of type `name` at `base_url`, in order (BE-010)."""
    entry = backend_type(name)
    if entry.name == "chatcompletion" and base_url:
        from urllib.parse import urlsplit

        try:
            host = urlsplit(base_url).hostname or ""
        except ValueError:
            host = ""
        for suffix, variables in HOST_KEY_VARIABLES:
            if host == suffix or host.endswith("." + suffix):
                return variables
    return entry.key_variables
