"""Questions that a server asks a person in the middle of a call (elicitation)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct, field

from massgen.tools.mcp.bounds import masked, one_line, prompt_text, schema

if TYPE_CHECKING:
    from mcp.client.session import ClientRequestContext, ElicitationFnT
    from mcp_types import ElicitRequestParams, ElicitResult

Scalar = str | int | float | bool | list[str]


class Question(Struct, frozen=True, kw_only=True):
    """What `server` wants to know. `fields` is a flat JSON Schema of type object; empty where `url` is set, a
    page that the person is asked to visit."""

    server: str
    agent_ids: tuple[str, ...]
    message: str
    fields: Mapping[str, object] = field(default_factory=dict)
    url: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """`accept` carries `content`; `decline` is a no, `cancel` means that nobody decided."""

    action: Literal["accept", "decline", "cancel"]
    content: Mapping[str, Scalar | None] = field(default_factory=dict)


class Questions(Protocol):
    """Whoever can ask a person; the future may take as long as the person does."""

    def ask(self, question: Question) -> Awaitable[Answer]: ...


class Pausable(Protocol):
    """What stands still while a person is asked: the time limits of the running calls."""

    @property
    def idle(self) -> bool: ...

    async def until_idle(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


def elicitation(
    server: str, agent_ids: tuple[str, ...], questions: Questions, limits: Pausable, secrets: Sequence[str]
) -> ElicitationFnT:
    """The library's callback that asks `questions`. A question outside of any call is declined: nobody could say
    what it is about."""

    async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        from mcp_types import ElicitResult

        if limits.idle:
            return ElicitResult(action="decline")
        question = Question(
            server=server,
            agent_ids=agent_ids,
            message=masked(prompt_text(params.message), secrets),
            fields=schema(getattr(params, "requested_schema", None) or {})[0],
            url=one_line(str(getattr(params, "url", "") or ""), 2000),
        )
        limits.pause()
        try:
            answer = await _while_called(questions.ask(question), limits)
        finally:
            limits.resume()
        accepted = answer.action == "accept" and not question.url
        return ElicitResult(action=answer.action, content=dict(answer.content) if accepted else None)

    return ask


async def _while_called(answer: Awaitable[Answer], limits: Pausable) -> Answer:
    """The answer, or nobody's where the call that it is for ends before: the question is withdrawn then."""

    async def asked() -> Answer:
        return await answer

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(asked())
        ending = group.create_task(limits.until_idle())
        await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not asking.done():
            asking.cancel()
    return Answer(action="cancel") if asking.cancelled() else asking.result()
