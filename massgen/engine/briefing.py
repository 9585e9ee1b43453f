"""What one agent is told at the start of a round: prompts assembled from the state, for one reader.

The translation to what a reader may see (anonymous names, own paths) happens here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from massgen.agents.round import RoundStart
from massgen.backends.protocol import ToolSpec
from massgen.coordination import prompts
from massgen.coordination.directives import Present, StartRound
from massgen.coordination.prompts import PastAttempt, RoundParts, ShownAnswer
from massgen.coordination.state import Attempt
from massgen.coordination.workflow import WORKFLOW_TOOLS
from massgen.engine.team import Question, Team, TeamAgent


def workflow_specs(names: Sequence[str]) -> tuple[ToolSpec, ...]:
    """The offered workflow tools as a model sees them."""
    tools = (WORKFLOW_TOOLS[name] for name in names)
    return tuple(ToolSpec(name=t.name, description=t.description, parameters=t.parameters) for t in tools)


class Briefing(Struct, frozen=True, kw_only=True):
    """Everything that prompts of one attempt are made of."""

    team: Team
    question: Question
    past: tuple[PastAttempt, ...] = ()

    async def show(self, attempt: Attempt, agent: TeamAgent, labels: Sequence[str]) -> None:
        """Make the files of these answers readable before the agent reads about them."""
        for label in labels:
            answer = attempt.find(label)
            if answer is not None and agent.files is not None:
                await agent.files.show(answer.agent, label, answer.tree)

    def shown(self, attempt: Attempt, agent: TeamAgent, labels: Sequence[str]) -> list[ShownAnswer]:
        """Answers as this agent sees them."""
        found = (attempt.find(label) for label in labels)
        return [
            ShownAnswer(
                label=answer.label,
                text=agent.files.rewrite(answer.text, answer.agent) if agent.files else answer.text,
                workspace=agent.files.view(answer.agent) if agent.files and answer.tree else "",
                changedoc=agent.files.changedoc(answer.tree) if agent.files else "",
            )
            for answer in found
            if answer is not None
        ]

    def parts(self, agent: TeamAgent, runtime: Sequence[str]) -> RoundParts:
        return RoundParts(
            original=self.question.text,
            paraphrase=agent.paraphrase,
            assignments=self._assignments(agent),
            runtime=tuple(runtime),
            restart=prompts.restart_context(self.past),
        )

    def _assignments(self, agent: TeamAgent) -> str:
        """COORD-086: everybody's subtask, and which one is this agent's."""
        if self.team.rules.mode != "decomposition":
            return ""
        whole = "the part of the task that fits your role"
        lines = [f"agent{other.number}: {other.subtask or whole}" for other in self.team.agents]
        return "\n".join((*lines, f"Your subtask: {agent.subtask or whole}"))

    def round_start(
        self, attempt: Attempt, agent: TeamAgent, start: StartRound, runtime: Sequence[str]
    ) -> RoundStart:
        """The fresh context of a coordination round (section 2.4)."""
        if self.team.rules.plain:

            def plain(memory: str) -> str:
                parts = (*agent.system_parts, *agent.guidance, memory, *agent.sections)
                return "\n\n".join(part for part in parts if part)

            return self._start(plain, self.question.text, ())

        def system(memory: str) -> str:
            return prompts.coordination_system(
                mode=self.team.rules.mode,
                sensitivity=self.team.sensitivity,
                own=(agent.persona_softened if start.visible else agent.persona, *agent.system_parts),
                sections=(*agent.guidance, memory, *agent.sections),
            )

        answers = self.shown(attempt, agent, start.visible)
        message = prompts.round_message(
            self.parts(agent, runtime), answers, vote_only=start.kind == "vote_only"
        )
        tools = (*start.tools, *self.team.handlers)
        return self._start(system, message, workflow_specs(tools))

    def _start(self, system: Callable[[str], str], message: str, workflow: tuple[ToolSpec, ...]) -> RoundStart:
        question = self.question
        return RoundStart(
            system=system(""),
            with_memory=system,
            message=message,
            workflow=workflow,
            media=question.media,
            history=tuple(question.history),
        )

    def presentation(
        self, attempt: Attempt, agent: TeamAgent, present: Present, runtime: Sequence[str]
    ) -> RoundStart:
        """The presenter's context (COORD-101, COORD-102)."""
        style = self._style(present)

        def system(memory: str) -> str:
            return prompts.presentation_system(
                style,
                own=agent.system_parts,
                sections=(memory, *agent.presentation_sections),
                planning=self.team.planning,
            )

        labels = [answer.label for answer in attempt.current()]
        reasons = [m.vote.reason for m in attempt.members if m.vote is not None and m.vote.label == present.label]
        message = prompts.presentation_message(
            self.parts(agent, runtime),
            self.shown(attempt, agent, labels),
            chosen=present.label if style == "present" else "",
            reasons=reasons if self.team.rules.agents > 1 else (),
        )
        return self._start(system, message, ())

    def _style(self, present: Present) -> str:
        if not present.label:
            return "direct"
        if self.team.rules.mode == "decomposition":
            return "integrate"
        return "synthesize" if self.team.rules.delivery == "synthesize" else "present"

    def evaluation(self, agent: TeamAgent, delivered: str) -> RoundStart:
        """The winner judges what was delivered (COORD-106)."""
        return RoundStart(
            system="\n\n".join((*agent.system_parts, prompts.EVALUATION_SYSTEM)),
            message=prompts.evaluation_message(self.question.text, delivered),
            workflow=workflow_specs(("submit", "restart_orchestration")),
        )
