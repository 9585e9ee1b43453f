"""Removes what programs of this machine left in the engine because they were killed before they could."""

from __future__ import annotations

from collections.abc import Sequence

from massgen.workspace.sandbox.container.engine import Engine
from massgen.workspace.sandbox.container.owner import LABELS, OWNER, has_ended

STATES = "massgen-state"
"""The images that keep the contents of containers while they are made anew."""


async def sweep(engine: Engine) -> None:
    """Remove containers whose program has ended, with their processes, and what was kept of them."""
    form = "\t".join(["{{.ID}}", *(f'{{{{.Label "{label}"}}}}' for label in LABELS)])
    found = await engine.ask("ps", "--all", "--no-trunc", "--filter", f"label={OWNER}", "--format", form)
    for container in _left(found.output):
        await engine.ask("rm", "--force", "--volumes", container)
    ours = ["--filter", f"label={OWNER}", "--filter", f"reference={STATES}:*"]
    kept = await engine.ask("image", "ls", "--quiet", "--no-trunc", *ours)
    if images := list(dict.fromkeys(kept.output.split())):
        form = "\t".join(["{{.Id}}", *(f'{{{{index .Config.Labels "{label}"}}}}' for label in LABELS)])
        described = await engine.ask("image", "inspect", "--format", form, *images)
        for image in _left(described.output):
            await engine.ask("rmi", "--force", image)


def _left(lines: str) -> Sequence[str]:
    """The ids of those whose owner has ended."""
    rows = [line.split("\t") for line in lines.splitlines()]
    known = [row for row in rows if len(row) == len(LABELS) + 1]
    return [row[0] for row in known if has_ended(dict(zip(LABELS, row[1:], strict=True)))]
