"""`--generate-config`: a configuration from flags, without a question (CFG-090)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massgen.cli.console import printable
from massgen.cli.wizard.draft import AgentDraft, ContextDraft, Draft, default_model, with_ids
from massgen.cli.wizard.writing import as_yaml, check_text, save
from massgen.config.quick import choose_backend
from massgen.errors import EXIT_OK, ConfigError

DEFAULT_AGENTS = 2


def run_generate_config(flags: Mapping[str, Any]) -> int:
    """Write the file that the flags describe and name it on standard output. Raises `ConfigError`."""
    path = Path(flags["generate_config"]).expanduser()
    if path.exists():
        raise ConfigError(f"{path} exists already and was left as it is.", hint="Name another file, or delete it.")
    draft = draft_of(flags)
    text = as_yaml(draft, title="Made by massgen --generate-config.")
    check_text(text, path)
    save(text, path, replace=False)
    print(printable(f"Written: {path}"))
    return EXIT_OK


def draft_of(flags: Mapping[str, Any]) -> Draft:
    """Agents of one model with code-based tools, skills and task planning."""
    backend, model = flags["config_backend"], flags["config_model"]
    if not backend and not model:
        raise ConfigError(
            "--generate-config needs to know what the agents run on.",
            hint="Add --config-backend TYPE and --config-model NAME, such as --config-backend openai.",
        )
    name, model = choose_backend(backend, model or _offered(backend))
    agent = AgentDraft(id="", type=name, model=model)
    return Draft(
        agents=with_ids([agent] * (flags["config_agents"] or DEFAULT_AGENTS)),
        tools=frozenset({"web_search", "files", "commands", "task_planning", "skills", "code_based_tools"}),
        commands="docker" if flags["config_docker"] else "local",
        context=_context(flags["config_context_path"]),
    )


def _offered(backend: str) -> str | None:
    from massgen.config.backend_types import canonical_type

    name = canonical_type(backend)
    return default_model(name) if name else None


def _context(given: str | None) -> ContextDraft | None:
    """Readable only: what may be written is for a person to decide."""
    if not given:
        return None
    path = Path(given).expanduser().absolute()
    if not path.exists():
        raise ConfigError(f"--config-context-path {given} does not exist.", hint="Name a directory or a file.")
    return ContextDraft(path=str(path), writable=False)
