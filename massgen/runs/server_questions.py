"""A server's question to a person, put through the same door as the questions of agents (COORD-147, COORD-148)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from msgspec import Struct

from massgen.engine.broadcast import HumanAnswers
from massgen.engine.person import AskHuman, Choices, HumanAnswer, HumanQuestion
from massgen.tools.mcp.bounds import one_line
from massgen.tools.mcp.form import BadAnswer, FormField, UnusableForm, form_fields
from massgen.tools.mcp.questions import Answer, Question, Scalar

log = logging.getLogger(__name__)
DECLINE = "/decline"
MAX_QUESTIONS = 10
TRIES = 3
MAX_MESSAGE = 2_000
DECLINED = Answer(action="decline")
CANCELLED = Answer(action="cancel")
AGREE = (("yes", "Yes, I agree"), ("no", "No"))
GO_ON = (("yes", "Yes, try again"), ("no", "No, end the question"))


@dataclass(slots=True)
class ServerQuestions:
    """Implements `Questions` of the MCP tools. Without `human` every question is declined at once, so that nothing
    ever waits where no person is (AUTO-016).

    `seconds` bounds a whole form, the wait for other questions included. A server may ask `MAX_QUESTIONS` times
    for each agent. What was asked is logged, masked; what was answered is not.
    """

    human: AskHuman | None
    answers: HumanAnswers
    seconds: float
    warn: Callable[[str], None]
    redact: Callable[[str], str]
    _asked: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)

    async def ask(self, question: Question) -> Answer:
        who = f"MCP server '{one_line(question.server, 100)}'"
        key = (question.server, question.agent_ids)
        self._asked[key] += 1
        if self.human is None:
            self._warn_first(key, f"{who} asked a question; nobody can be asked in this run, so it was declined.")
            return DECLINED
        if self._asked[key] > MAX_QUESTIONS:
            if self._asked[key] == MAX_QUESTIONS + 1:
                self.warn(f"{who} has asked {MAX_QUESTIONS} questions; further ones are declined.")
            return DECLINED
        agent = question.agent_ids[0] if question.agent_ids else "an agent"
        try:
            async with asyncio.timeout(self.seconds), self.answers.asking:
                answer = await _Talk(self.human, f"{agent} ({who})", self.seconds, question).answer()
        except UnusableForm as error:
            self.warn(f"{who} asked a question that cannot be put to a person: {error}.")
            answer = DECLINED
        except TimeoutError:
            answer = CANCELLED
        message = self.redact(one_line(question.message, 200))
        log.info("%s asked a person for %s: %s (%s)", who, agent, message, answer.action)
        return answer

    def _warn_first(self, key: tuple[str, tuple[str, ...]], text: str) -> None:
        if self._asked[key] == 1:
            self.warn(text)


class _Talk(Struct, frozen=True):
    """One question of a server, as a talk with a person."""

    human: AskHuman
    who: str
    seconds: float
    question: Question

    async def answer(self) -> Answer:
        if self.question.url:
            return await self._visit(self.question.url)
        fields = form_fields(self.question.fields)
        if not fields:
            agreed = await self._says_yes("", "Type yes to agree; everything else declines.")
            return Answer(action="accept") if agreed else DECLINED
        content: dict[str, Scalar | None] = {}
        for number, item in enumerate(fields, 1):
            given = await self._value(item, f"({number} of {len(fields)}) " if len(fields) > 1 else "")
            match given:
                case Answer():
                    return given
                case None:
                    pass
                case value:
                    content[item.name] = value
        return Answer(action="accept", content=content)

    async def _visit(self, url: str) -> Answer:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise UnusableForm("its address is no web page")
        agreed = await self._says_yes(
            f"It wants you to open this page of {parts.hostname} yourself:\n{url}",
            "Type yes if you do; everything else declines.",
        )
        return Answer(action="accept") if agreed else DECLINED

    async def _value(self, item: FormField, place: str) -> Scalar | Answer | None:
        """What was given for one field, None for nothing, or the end of the talk."""
        wrong, chosen, tries = "", item.defaults(), 0
        while True:
            many, optional = item.kind == "choices", not item.required
            choices = Choices(options=item.options, many=many, chosen=chosen, optional=optional)
            typing = f"{item.typing()}\n{DECLINE} declines the whole question."
            given = await self._put(f"{wrong}{place}{item.heading()}", typing, choices if item.options else None)
            if given is None or given == DECLINE:
                return DECLINED
            if given == "":
                return DECLINED if item.required and item.default is None else item.default
            try:
                return item.read(given) if isinstance(given, str) else item.pick(given)
            except BadAnswer as error:
                wrong = f"That is not usable ({error} is wanted).\n"
                chosen = given if isinstance(given, tuple) else chosen
                tries += 1
                if tries % TRIES == 0 and not await self._goes_on(item, str(error)):
                    return CANCELLED

    async def _goes_on(self, item: FormField, wanted: str) -> bool:
        """Whether somebody who cannot fill in a field wants to try further; what was given for others is kept."""
        what = f"{TRIES} entries for {item.title} were not usable ({wanted} is wanted). Try again?"
        typing = "Type yes to try again, the other entries are kept; everything else ends the question."
        return await self._says_yes(what, typing, GO_ON)

    async def _says_yes(self, what: str, typing: str, options: tuple[tuple[str, str], ...] = AGREE) -> bool:
        """Agreed; everything else is a no."""
        given = await self._put(what, typing, Choices(options=options, chosen=("no",)))
        return given == ("yes",) or (isinstance(given, str) and given.lower() in ("yes", "y", "1"))

    async def _put(self, what: str, typing: str, choices: Choices | None) -> HumanAnswer:
        """Ask; the server's own words are quoted, so that they cannot pass for ours."""
        said = self.question.message[:MAX_MESSAGE].splitlines() or [""]
        quoted = "\n".join(f"  > {line}" for line in said[:30])
        asks = f"MCP server '{self.question.server}' asks:\n{quoted}"
        answer = await self.human(
            HumanQuestion(
                asker=self.who,
                text=f"{asks}\n{what}".rstrip(),
                seconds=self.seconds,
                choices=choices,
                typing=typing,
                declines=True,
            )
        )
        return answer.strip() if isinstance(answer, str) else answer
