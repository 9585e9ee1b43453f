"""A replayed attempt in plain words, for people: real ids, one sentence a thing."""

from __future__ import annotations

from collections.abc import Iterator

from massgen.coordination.ballots import tally
from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptStop,
    AcceptVote,
    Directive,
    EndRound,
    Evaluate,
    Finish,
    Hold,
    Inject,
    Judge,
    Present,
    Proceed,
    Refuse,
    Remind,
    RestartAttempt,
    StartRound,
    StopRounds,
    Summon,
    VoidVote,
)
from massgen.coordination.facts import (
    AgentFailed,
    AgentSkipped,
    AgentTimedOut,
    AttemptBegan,
    DeadlineReached,
    Fact,
    PresentationEnded,
    Resumed,
)
from massgen.coordination.replay import AttemptReplay, Step

_CAUSES = {
    "begin": "",
    "own_answer": " after its own answer",
    "peer_answer": " because of a peer's answer",
    "released": " because voting is open",
    "resumed": " anew",
}


def sentences(replay: AttemptReplay, step: Step) -> list[str]:
    """What a step meant; empty where nothing changed."""
    told = [line for directive in step.directives for line in _sentence(replay, directive)]
    return [*_opening(replay, step.fact), *told, *_waiting(replay, step)]


def _opening(replay: AttemptReplay, fact: Fact) -> Iterator[str]:
    match fact:
        case AttemptBegan(excluded=excluded, skipped=skipped):
            team = ", ".join(f"{name} (agent{number})" for number, name in enumerate(replay.agents, 1))
            yield f"Attempt {replay.number} begins: {team}."
            for number in excluded:
                yield f"{replay.name(number)} stays out; it timed out in an earlier attempt."
            for number in skipped:
                yield f"{replay.name(number)} stays out; a person skipped it."
        case AgentSkipped(agent=agent):
            yield f"A person skips {replay.name(agent)}."
        case Resumed():
            yield "The process died here; another one goes on."
        case DeadlineReached(reason=reason) if reason:
            yield reason
        case AgentFailed(agent=agent, message=message):
            yield f"{replay.name(agent)} fails: {message}"
        case AgentTimedOut(agent=agent, message=message):
            yield f"{replay.name(agent)} is out of time: {message}"
        case PresentationEnded(delivered=False, error=error):
            yield f"The presentation gave nothing ({error or 'it was empty'}); the chosen answer is delivered."
        case _:
            return


def _sentence(replay: AttemptReplay, directive: Directive) -> Iterator[str]:
    match directive:
        case StartRound(agent=agent, visible=visible, tools=tools, cause=cause):
            seen = f"seeing {', '.join(visible)}" if visible else "alone"
            offered = f"; it may call {', '.join(tools)}" if tools else ""
            yield f"{replay.name(agent)} begins round {directive.round}{_CAUSES[cause]}, {seen}{offered}."
        case AcceptAnswer(agent=agent, label=label):
            yield f"{replay.name(agent)} answers: {label}."
        case AcceptVote(agent=agent, target=target, label=label, reason=reason):
            yield f"{replay.name(agent)} votes for {replay.name(target)} ({label}): {reason}"
        case AcceptStop(agent=agent, reason=reason):
            yield f"{replay.name(agent)} has nothing to add: {reason}"
        case VoidVote(agent=agent, label=label):
            yield f"{replay.name(agent)}'s vote counts no longer: it was cast before {label}."
        case Refuse(agent=agent, code=code, message=message):
            yield f"{replay.name(agent)} is refused ({code}): {message}"
        case Hold(agent=agent):
            yield f"{replay.name(agent)} is held until its peers move on."
        case Remind(agent=agent):
            yield f"{replay.name(agent)} called no tool and is reminded."
        case Inject(agent=agent, labels=labels):
            yield f"{replay.name(agent)} is shown {', '.join(labels)} in the middle of its round."
        case Judge(agent=agent, verdict=verdict, explanation=explanation):
            yield f"{replay.name(agent)}'s checklist says {verdict}: {explanation}"
        case AbandonRound(agent=agent, labels=labels, reason=reason):
            because = f" ({', '.join(labels)})" if labels else ""
            yield f"{replay.name(agent)}'s round does not count: {reason}{because}."
        case EndRound(agent=agent, reason=reason):
            yield f"{replay.name(agent)}'s round ends: {reason}."
        case Summon() | Proceed():
            return
        case _:
            yield from _team_sentence(replay, directive)


def _team_sentence(
    replay: AttemptReplay, directive: StopRounds | Present | Evaluate | RestartAttempt | Finish
) -> Iterator[str]:
    match directive:
        case StopRounds(reason=reason):
            yield "The time is up; no model is called any more." if reason == "timeout" else "The run is cancelled."
        case Present(agent=agent, label=label):
            yield f"{replay.name(agent)} wins with {label} and presents." if label else f"{replay.name(agent)} answers."
        case Evaluate(agent=agent):
            yield f"{replay.name(agent)} judges the delivered answer."
        case RestartAttempt(reason=reason):
            yield f"The team starts over: {reason}"
        case Finish(outcome="failed"):
            yield "Nobody gave an answer."
        case Finish(outcome=outcome, label=label):
            yield f"The attempt ends ({outcome})" + (f" with {label}." if label else ".")


def _waiting(replay: AttemptReplay, step: Step) -> Iterator[str]:
    for old, new in zip(step.before.members, step.after.members, strict=True):
        if new.parked and not old.parked:
            yield f"{replay.name(new.number)} waits for the others."


def why(replay: AttemptReplay) -> list[str]:
    """Why the winner won, from the state at the end."""
    state = replay.state
    if state.winner is None:
        return ["There is no winner."]
    name, label = replay.name(state.winner), state.winning_label
    if state.rules.skip_coordination or state.rules.mode == "decomposition":
        configured = "it is the configured presenter" if state.winner == state.rules.presenter else "nobody else does"
        return [f"{name} delivers because {configured}."]
    count = tally(state)
    lines = [
        f"{replay.name(member.number)}'s vote stood for {replay.name(member.vote.target)} ({member.vote.label})."
        for member in state.members
        if member.vote is not None
    ]
    if not lines:
        return [f"No vote stood, so the newest answer counts: {label} of {name}."]
    best = count.votes[label]
    if not count.is_tie:
        return [*lines, f"{label} of {name} has most votes: {best} of {len(lines)}."]
    leaders = ", ".join(sorted(other for other, votes in count.votes.items() if votes == best))
    return [*lines, f"{leaders} have {best} each; ties go to the lowest agent number: {label} of {name}."]
