"""A run on behalf of a caller who may go away."""

from __future__ import annotations

import asyncio

from massgen.runs.request import RunResult
from massgen.runs.run import Run


async def execute(run: Run) -> RunResult:
    """Run to the end. Cancelling this call stops the model calls, keeps what there is, waits for that, then raises.

    A second cancellation does not wait for anything but the clean-up.
    """
    task = asyncio.ensure_future(run.execute())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        run.cancel()
        await _ended(task)
        raise


async def _ended(task: asyncio.Future[RunResult]) -> None:
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
