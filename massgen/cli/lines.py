"""Console lines with fixed first words, shared by all plain displays (COORD-110, COORD-114, COORD-115, COORD-123)."""

from __future__ import annotations

from collections.abc import Iterator

from massgen.cli.console import one_line
from massgen.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_TIMEOUT
from massgen.events.types import Event, OrchestrationRestart
from massgen.runs.request import RunResult


def restart_lines(event: Event) -> Iterator[str]:
    """What is shown when the team starts over."""
    if isinstance(event.body, OrchestrationRestart):
        body = event.body
        yield "🔄 Orchestration restart requested by final agent"
        yield f"Reason: {one_line(body.reason)}"
        yield f"🔄 Orchestration Restart - Attempt {body.next_attempt}/{body.max_attempts}"
        yield f"Reason: {one_line(body.reason)}"
        yield f"Instructions: {one_line(body.instructions)}"


def cancel_lines() -> tuple[str, ...]:
    """At the first Ctrl+C."""
    return ("⚠️ Cancellation requested - saving partial progress...",)


def end_lines(result: RunResult, limit: float | None) -> Iterator[str]:
    """How the run ended."""
    if result.exit_code == EXIT_OK:
        yield "✅ Coordination complete!"
        yield f"⏱️ Total time: {result.total_seconds:.1f} seconds"
    elif result.exit_code == EXIT_TIMEOUT:
        by_time = "timeout" in result.message
        yield f"⏰ Orchestrator timeout reached ({limit or 0:g} seconds)" if by_time else f"⏰ {result.message}"
        yield "💾 Saving current state..."
        yield f"❌ Coordination incomplete - {'timeout exceeded' if by_time else 'budget used up'}"
    elif result.exit_code == EXIT_INTERRUPTED:
        yield "✅ Partial progress saved. Session can be resumed with --continue"
        yield "👋 Goodbye!"
