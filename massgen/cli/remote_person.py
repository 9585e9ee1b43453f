"""The person in front of the terminal application, asked through the engine's messages.

    {"say": "question", "id": 1, "from": "amber", "text": "...", "typing": "", "declines": false, "seconds": 300,
     "choices": {"options": [["s", "Spaces"]], "many": false, "chosen": [], "optional": true}}
    {"say": "review", "id": 2, "changes": [...]}
    {"say": "closed", "id": 1}

answered by `{"do": "reply", "id": 1, "text": "..."}` (null: no answer), where there are choices by
`{"do": "reply", "id": 1, "picked": [...]}`, and `{"do": "reply", "id": 2, "accepted": [...]}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from massgen.runs.request import HumanAnswer, HumanQuestion
from massgen.workspace.review import Acceptance, FileChange, Review

LONGEST_DIFF = 200_000
Say = Callable[..., None]
Reply = Mapping[str, Any]


class RemotePerson:
    """`answer` is a run's `ask_human`, `review` its reviewer (WS-033); `reply` takes what the person decided.

    Any number of questions may be open; the application shows them one after the other.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._open: dict[int, asyncio.Future[Reply]] = {}
        self._count = 0

    async def answer(self, question: HumanQuestion) -> HumanAnswer:
        """A question to the person (COORD-147); None without an answer. Cancelled when the time is over."""
        choices = asdict(question.choices) if question.choices is not None else None
        shown = {"text": question.text, "typing": question.typing, "declines": question.declines}
        data = {"from": question.asker, **shown, "choices": choices, "seconds": question.seconds}
        reply = await self._wait_for("question", data)
        picked, text = reply.get("picked"), reply.get("text")
        if choices is not None and isinstance(picked, list):
            return tuple(str(value) for value in picked)
        return text if isinstance(text, str) and (question.declines or text.strip()) else None

    async def review(self, review: Review, changes: Sequence[FileChange]) -> Sequence[Acceptance]:
        """Which changes of the project are accepted."""
        shown = [
            {
                "path": str(change.target),
                "kind": change.kind,
                "refused": change.refused,
                "conflict": change.conflict,
                "diff": "".join(review.hunks(change))[:LONGEST_DIFF],
            }
            for change in changes
        ]
        accepted = (await self._wait_for("review", {"changes": shown})).get("accepted")
        wanted = {str(path) for path in accepted} if isinstance(accepted, list) else set()
        possible = [change for change in changes if change.refused is None and str(change.target) in wanted]
        return [Acceptance(change=change, overwrite=change.conflict) for change in possible]

    def reply(self, command: Reply) -> None:
        """What came back; replies to nothing that is open are left out."""
        number = command.get("id")
        waiting = self._open.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(command)

    async def _wait_for(self, kind: str, data: Mapping[str, Any]) -> Reply:
        self._count += 1
        number = self._count
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[number] = waiting
        self._say(kind, id=number, **data)
        try:
            return await waiting
        except asyncio.CancelledError:
            self._say("closed", id=number)
            raise
        finally:
            del self._open[number]
