"""A draft as commented YAML in the order of the documented tree, checked before it is saved (CFG-092)."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from massgen.cli.wizard.draft import AgentDraft, Draft
from massgen.config.backend_types import BACKEND_TYPES
from massgen.errors import ConfigError, StorageError

Entry = tuple[str, Any, str]
"""Key, value, and what is said above it ("" for nothing)."""
FIRST_ROUND, LATER_ROUNDS, GRACE = 600, 300, 120
MODES = "voting: answers compete. decomposition: each agent does its share."
ISOLATED = "auto: agents change copies of your files; you review before anything is applied."
ANSWERS_PER_AGENT = 2
ANSWERS_FOR_EACH_OF_THE_TEAM = 3


def as_yaml(draft: Draft, *, title: str) -> str:
    """The text of the file; `title` is its first comment."""
    from ruamel.yaml import YAML

    root = _commented(
        [
            ("agents", _agents(draft), ""),
            ("orchestrator", _commented(_orchestrator(draft), indent=2), ""),
            ("timeout_settings", _commented(_timeouts()), "Seconds. The team hands in what it has when a round ends."),
        ]
    )
    root.yaml_set_start_comment(f"{title}\nCheck it with: massgen --validate FILE    Explain it: massgen explain FILE")
    writer = YAML()
    writer.width = 120
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(root, stream)
    return stream.getvalue()


def _commented(entries: Iterable[Entry], indent: int = 0) -> Any:
    from ruamel.yaml.comments import CommentedMap

    found = CommentedMap()
    said = [(key, value, words) for key, value, words in entries]
    for key, value, _ in said:
        found[key] = value
    for key, _, words in said:
        if words:
            found.yaml_set_comment_before_after_key(key, before=words, indent=indent)
    return found


def _agents(draft: Draft) -> Any:
    from ruamel.yaml.comments import CommentedSeq

    agents = CommentedSeq()
    for agent in draft.agents:
        entries: list[Entry] = [("id", agent.id, ""), ("backend", _commented(_backend(agent, draft)), "")]
        if agent.subtask:
            entries.append(("subtask", agent.subtask, ""))
        agents.append(_commented(entries))
    return agents


def _backend(agent: AgentDraft, draft: Draft) -> Iterator[Entry]:
    yield "type", agent.type, ""
    if agent.model:
        yield "model", agent.model, ""
    if agent.keyless:
        yield "api_key", "EMPTY", ""
    if agent.base_url:
        yield "base_url", agent.base_url, ""
    if agent.effort:
        yield "reasoning", _commented([("effort", agent.effort, "")]), ""
    if draft.tools & {"files", "commands", "code_based_tools"} or draft.commands != "none":
        yield "cwd", "workspace", ""
    for key in _switches(agent.type, draft):
        yield key, True, ""
    if "code_based_tools" in draft.tools:
        yield "auto_discover_custom_tools", True, ""
        yield "enable_code_based_tools", True, ""
    if draft.commands != "none":
        yield "enable_mcp_command_line", True, ""
        yield "command_line_execution_mode", draft.commands, ""
        if draft.commands == "docker" and BACKEND_TYPES[agent.type].kind == "agent":
            yield "command_line_docker_network_mode", "bridge", ""


def _switches(name: str, draft: Draft) -> Iterator[str]:
    from massgen.config.capabilities import CAPABILITIES

    row = CAPABILITIES[name]
    if "web_search" in draft.tools and row.enable_web_search == "yes":
        yield "enable_web_search"
    if "code_execution" in draft.tools:
        for key in ("enable_code_execution", "enable_code_interpreter"):
            if getattr(row, key) == "yes":
                yield key


def _orchestrator(draft: Draft) -> Iterator[Entry]:
    yield "snapshot_storage", "snapshots", ""
    yield "agent_temporary_workspace", "temp_workspaces", ""
    if draft.context is not None:
        permission = "write" if draft.context.writable else "read"
        yield "context_paths", [{"path": draft.context.path, "permission": permission}], ""
    yield "coordination_mode", "decomposition" if draft.decomposition else "voting", MODES
    if draft.decomposition:
        yield "presenter_agent", draft.presenter or draft.agents[-1].id, ""
        yield "max_new_answers_per_agent", ANSWERS_PER_AGENT, ""
        yield "max_new_answers_global", ANSWERS_FOR_EACH_OF_THE_TEAM * len(draft.agents), ""
        yield "answer_novelty_requirement", "balanced", ""
    coordination: list[Entry] = [("write_mode", "auto", ISOLATED)]
    if "task_planning" in draft.tools:
        coordination.append(("enable_agent_task_planning", True, ""))
    if "skills" in draft.tools:
        coordination.append(("use_skills", True, ""))
    yield "coordination", _commented(coordination, indent=4), ""


def _timeouts() -> Iterator[Entry]:
    yield "initial_round_timeout_seconds", FIRST_ROUND, ""
    yield "subsequent_round_timeout_seconds", LATER_ROUNDS, ""
    yield "round_timeout_grace_seconds", GRACE, ""


def check_text(text: str, path: Path) -> None:
    """Refuse what `--validate --strict` would refuse; raises `ConfigError` (CFG-092)."""
    from massgen.config import load_text

    findings = [*(loaded := load_text(text, path=path)).errors, *loaded.warnings]
    if findings:
        raise ConfigError(
            "This configuration would not be valid, so nothing was written.",
            hint="\n  ".join(item.format() for item in findings),
        )


def save(text: str, path: Path, *, replace: bool) -> None:
    """Write a whole new file, readable by others as the umask says.

    Raises `ConfigError` where there is one already and `replace` is false, `StorageError` where the disk fails.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path} could not be written: its directory cannot be made ({error.strerror})") from error
    try:
        put(path, text, mode=0o666 & ~_umask(), replace=replace)
    except FileExistsError:
        raise ConfigError(f"{path} exists already and was left as it is.", hint="Name another file.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror}") from error


def put(path: Path, text: str, *, mode: int, replace: bool) -> None:
    """The file appears whole, with `mode`, or not at all; an existing one stays unless `replace`.

    Raises `FileExistsError` and other `OSError`.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        if not replace and os.path.lexists(path):
            raise FileExistsError(path)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _umask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found
