"""The files of a session's earlier turns, as the agents of the next one find them (WS-012, WS-026)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from massgen.runs.sessions import StoredTurn
from massgen.runs.workfiles import TeamFiles


async def show_earlier_turns(files: TeamFiles, turns: Iterable[StoredTurn], agents: Sequence[str]) -> None:
    """Files of earlier turns are readable, and the last winner's are where everybody starts."""
    last: Path | None = None
    for turn in turns:
        if turn.workspace is not None:
            number = agents.index(turn.winner) + 1 if turn.winner in agents else 1
            await files.run.publish_turn(turn.number, number, turn.workspace)
            last = turn.workspace
        for item in turn.partial:
            if item.workspace is not None:
                await files.run.publish_turn(turn.number, item.number, item.workspace)
    if last is not None:
        await files.run.seed(last)
