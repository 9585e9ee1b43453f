"""`massgen.run`: one question from Python, the result as a dictionary (API-001 to API-021)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from massgen.errors import StorageError
from massgen.integrations.sources import Wanted, find_source, requested_paths
from massgen.integrations.value_errors import configuration_errors
from massgen.runs.executing import execute
from massgen.runs.program_results import result_dictionary
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.workspace.context_paths import RequestedPath

KNOWN = frozenset({"config_dict", "context_paths", "parse_at_references", "session_id", "history", "instructions"})


async def run(
    query: str,
    config: str | None = None,
    model: str | None = None,
    models: list | None = None,
    num_agents: int | None = None,
    use_docker: bool = False,
    enable_filesystem: bool = True,
    enable_logging: bool = False,
    output_file: str | None = None,
    **kwargs: Any,
) -> dict:
    """Ask a team and wait for its answer.

    Give one of: `config_dict`, `config` (a path, a saved name, `@examples/...`), `models` (one agent each), `model`
    (one agent, or `num_agents` of it); nothing means the default configuration. Further keywords:
    `context_paths`, `parse_at_references`, `session_id`. The result's keys are those of section 11 of
    sessions-memory-integration.md. Cancelling the task cancels the run.

    Raises `ConfigurationError` (a `ValueError`) for anything wrong before the first model call.
    """
    unknown = sorted(set(kwargs) - KNOWN)
    if unknown:
        raise TypeError(f"run() got an unexpected keyword argument {unknown[0]!r}")
    with configuration_errors():
        source = find_source(
            Wanted(
                config_dict=kwargs.get("config_dict"),
                config=config,
                models=tuple(models or ()),
                model=model,
                num_agents=num_agents,
                use_docker=use_docker,
                enable_filesystem=enable_filesystem,
            )
        )
        question, referenced = _references(query, bool(kwargs.get("parse_at_references")))
        request = RunRequest(
            loaded=source.loaded,
            question=question,
            launch=Path.cwd(),
            plain=source.plain,
            session_id=kwargs.get("session_id"),
            history=tuple(kwargs.get("history") or ()),
            instructions=tuple(kwargs.get("instructions") or ()),
            context_paths=(*requested_paths(kwargs.get("context_paths")), *referenced),
            cli_args={"mode": "python"},
        )
        running = Run(request)
        running.prepare()
    result = await execute(running)
    if result.answer and output_file:
        _write_answer(Path(output_file), result.answer)
    return result_dictionary(result, source.description, single=source.plain, keep_log=enable_logging)


def ask(query: str, config: str | None = None, **kwargs: Any) -> dict:
    """`run` for programs without an event loop; takes and returns the same.

    Called where a loop is running already, it works in a thread of its own and blocks the caller until it has ended.
    """
    return wait_for(lambda: run(query, config, **kwargs))


def wait_for(start: Any) -> Any:
    """The result of the coroutine that `start()` makes, also where a loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="massgen") as pool:
        return pool.submit(lambda: asyncio.run(start())).result()


def _references(query: str, wanted: bool) -> tuple[str, tuple[RequestedPath, ...]]:
    if not wanted or "@" not in query:
        return query, ()
    from massgen.workspace.references import parse_prompt_for_context

    found = parse_prompt_for_context(query)
    return found.cleaned_prompt or query, found.requested


def _write_answer(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The answer could not be written to {path} ({error.strerror}).") from error
