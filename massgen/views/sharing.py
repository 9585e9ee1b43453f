"""What of a run may leave the machine, and how it looks then (LOG-094, LOG-095). Nothing is sent here."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.views.past import pick, quantity, read_json, started_at, turns

LARGEST_FILE = 10_000_000
TURN_FILES = (
    "status.json",
    "metrics_summary.json",
    "coordination_events.json",
    "coordination_table.txt",
    "vote.json",
    "snapshot_mappings.json",
    "execution_metadata.yaml",
    "events.jsonl",
    "ANALYSIS_REPORT.md",
)
STEP_FILES = ("answer.txt", "vote.txt", "context.txt", "changedoc.md")
TEXT_ARTIFACTS = frozenset({".html", ".htm", ".css", ".js", ".mjs", ".json", ".md", ".txt", ".csv", ".svg"})
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
CACHES = frozenset({"node_modules", "__pycache__", ".venv", "venv", ".cache", ".git", ".massgen"})
_SENSITIVE = re.compile(
    r"(^\.env(\..*)?$)|(^\.(netrc|npmrc|pypirc)$)|(\.(pem|key|p12|pfx|keystore)$)|(^id_(rsa|dsa|ecdsa|ed25519))"
    r"|(credential|secret|password|token)s?(\.|_|-|$)",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{10,}|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bAIza[\w-]{30,}"
    r"|\bAKIA[A-Z0-9]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bxai-[A-Za-z0-9]{20,}|\bgsk_[A-Za-z0-9]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_BEARER = re.compile(r"(?i)(\bbearer\s+|\bapi[_-]?key[\"']?\s*[:=]\s*[\"']?)(?!\[redacted\])[\w.~+/-]{16,}")
MASK = "[redacted]"


class SharedFile(Struct, frozen=True, kw_only=True):
    """One file as it leaves: `name` is flat (`/` became `__`), `text` is masked; images are base64."""

    name: str
    source: str
    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode("utf-8"))


class SharedTurn(Struct, frozen=True, kw_only=True):
    """One turn of the manifest; `state` is complete, failed or interrupted."""

    number: int
    question: str
    state: str
    winner: str | None
    error: str | None
    cost: float
    seconds: float


@dataclass(slots=True, kw_only=True)
class Selection:
    """What will be shared and what will not, with the reason."""

    turns: list[SharedTurn] = field(default_factory=list)
    files: list[SharedFile] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def mask_keys(text: str) -> str:
    """`text` without anything that looks like a key, whoever's it is."""
    return _BEARER.sub(lambda match: f"{match[1]}{MASK}", _KEYS.sub(MASK, text))


def is_sensitive(name: str) -> bool:
    """Whether a file of this name should not be shared."""
    return bool(_SENSITIVE.search(name)) and not name.endswith((".example", ".sample", ".template"))


def wanted_turns(root: Path, choice: str) -> list[tuple[int, Path]]:
    """`all`, `latest`, `N` (the first N), `N-M` (LOG-091). Raises ValueError for anything else."""
    found = turns(root)
    if choice == "all":
        return found
    if choice == "latest":
        return found[-1:]
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", choice)
    if match is None or int(match[1]) < 1 or (match[2] and int(match[2]) < int(match[1])):
        raise ValueError(f"{choice!r} is no choice of turns: N, N-M, latest or all.")
    if match[2] is None:
        return found[: int(match[1])]
    return [(number, path) for number, path in found if int(match[1]) <= number <= int(match[2])]


def select(
    root: Path,
    chosen: Sequence[tuple[int, Path]],
    redact: Callable[[str], str],
    *,
    workspace_limit: int | None,
) -> Selection:
    """Everything of the chosen turns that may leave. `workspace_limit` is bytes an agent, None for no workspaces."""
    selection = Selection()
    for number, attempt in chosen:
        selection.turns.append(_turn(number, attempt, redact))
        for path in _log_files(attempt):
            _take(selection, root, path, redact)
        if workspace_limit is not None:
            _take_workspaces(selection, root, attempt, redact, workspace_limit)
    return selection


def manifest(root: Path, selection: Selection) -> dict[str, Any]:
    """`_session_manifest.json`."""
    started = started_at(root, {})
    return {
        "version": 1,
        "session": root.name,
        "started": started.isoformat(timespec="seconds") if started else None,
        "turns": [
            {
                "turn": turn.number,
                "question": turn.question,
                "status": turn.state,
                "winner": turn.winner,
                "error": turn.error,
                "cost": turn.cost,
                "duration_seconds": turn.seconds,
            }
            for turn in selection.turns
        ],
        "has_errors": any(turn.state != "complete" for turn in selection.turns),
        "files": [
            {"name": file.name, "path": file.source, "encoding": "base64" if file.name.endswith(".base64") else "utf-8"}
            for file in selection.files
        ],
    }


def _turn(number: int, attempt: Path, redact: Callable[[str], str]) -> SharedTurn:
    status = read_json(attempt / "status.json")
    code = pick(status, "exit_code", kind=int, default=None)
    done = pick(status, "is_complete", kind=bool, default=False)
    state = "interrupted" if not done else "complete" if code in (0, None) else "failed"
    error = pick(status, "end", "message", kind=str, default="") or None
    if state == "interrupted" and error is None:
        error = "The run did not end by itself."
    question = pick(status, "meta", "question", kind=str, default="") or "(question not known)"
    return SharedTurn(
        number=number,
        question=mask_keys(redact(question)),
        state=state,
        winner=pick(status, "results", "winner", kind=str, default=None),
        error=mask_keys(redact(error)) if error else None,
        cost=quantity(status, "costs", "total_estimated_cost") or 0.0,
        seconds=quantity(status, "meta", "elapsed_seconds") or 0.0,
    )


def _log_files(attempt: Path) -> Iterator[Path]:
    """Events, status, answers and votes; never `massgen.log`, raw calls or private outputs."""
    for name in TURN_FILES:
        if (attempt / name).is_file():
            yield attempt / name
    for step in sorted(attempt.glob("*/*/")):
        if step.parent.name in ("llm_calls", "subagents", "memory_debug", "agent_outputs"):
            continue
        for name in STEP_FILES:
            if (step / name).is_file() and not (name == "answer.txt" and (step / "vote.txt").is_file()):
                yield step / name


def _take(selection: Selection, root: Path, path: Path, redact: Callable[[str], str]) -> int:
    """Add a file if it may leave; the number of its bytes, 0 where it may not."""
    source = path.relative_to(root).as_posix()
    if is_sensitive(path.name):
        selection.left_out[source] = "sensitive name"
        selection.warnings.append(f"{source} looks sensitive and is left out.")
        return 0
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST_FILE:
            selection.left_out[source] = "larger than 10 MB"
            return 0
        data = path.read_bytes()
    except OSError as error:
        selection.left_out[source] = error.strerror or "unreadable"
        return 0
    name = source.replace("/", "__")
    if path.suffix.lower() in IMAGES:
        text, name = base64.b64encode(data).decode("ascii"), f"{name}.base64"
    elif b"\0" in data[:8192]:
        selection.left_out[source] = "binary"
        return 0
    else:
        text = mask_keys(redact(data.decode("utf-8", "replace")))
    if text.strip():
        selection.files.append(SharedFile(name=name, source=source, text=text))
    return len(data)


def _take_workspaces(selection: Selection, root: Path, attempt: Path, redact: Callable[[str], str], limit: int) -> None:
    """The newest workspace of each agent and the delivered one, each agent up to `limit` bytes."""
    for agent, workspace in _workspaces(attempt):
        left = limit
        for path in _artifacts(selection, root, workspace):
            try:
                size = path.stat().st_size
            except OSError:
                continue
            if size > left:
                selection.left_out[path.relative_to(root).as_posix()] = f"over the workspace limit of {agent}"
                continue
            left -= _take(selection, root, path, redact)


def _workspaces(attempt: Path) -> Iterator[tuple[str, Path]]:
    found: dict[str, Path] = {}
    for path in sorted(attempt.glob("*/*/workspace")):
        if path.is_dir() and not path.is_symlink():
            final = path.parent.parent.name == "final"
            found[path.parent.name if final else path.parent.parent.name] = path
    for path in sorted(attempt.glob("final/*/workspace")):
        if path.is_dir() and not path.is_symlink():
            found[path.parent.name] = path
    yield from found.items()


def _artifacts(selection: Selection, root: Path, workspace: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(workspace):
        folders[:] = sorted(name for name in folders if name not in CACHES)
        for name in sorted(files):
            path = Path(directory, name)
            if is_sensitive(name) or path.suffix.lower() in TEXT_ARTIFACTS | IMAGES:
                yield path
            else:
                selection.left_out[path.relative_to(root).as_posix()] = "no kind of file that is shared"
