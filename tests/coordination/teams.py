"""A generator of random teams: members that answer, vote, fail, stall and talk nonsense, driven without a clock.

`play(seed)` drives one attempt through the real machine and checks the invariants on the way.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from massgen.coordination.ballots import best_available, tally
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
    Present,
    RestartAttempt,
    StartRound,
    Summon,
    VoidVote,
)
from massgen.coordination.facts import (
    AgentFailed,
    AgentSkipped,
    AgentTimedOut,
    AnswerProposed,
    ApproachDrafted,
    AttemptBegan,
    Cancelled,
    ChecklistSubmitted,
    DeadlineReached,
    Evaluated,
    Fact,
    HardLimitReached,
    PresentationEnded,
    ResponseEnded,
    Resumed,
    RoundClosed,
    RoundReady,
    SafePointReached,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.machine import advance
from massgen.coordination.rules import Rules
from massgen.coordination.state import Attempt, label_of, new_attempt

MAX_FACTS = 1000


def random_rules(rng: random.Random) -> Rules:
    if rng.random() < 0.03:
        return Rules(agents=1, plain=True)
    agents = rng.randint(1, 8)
    mode = rng.choice(["voting", "voting", "voting", "decomposition"])
    checklist = mode == "voting" and rng.random() < 0.2
    isolated = rng.random() < 0.2
    return Rules(
        agents=agents,
        mode=mode,
        presenter=rng.choice([None, rng.randint(1, agents)]),
        max_answers=rng.choice([None, 1, 2, 3]),
        max_answers_global=rng.choice([None, None, rng.randint(1, 10)]),
        novelty=rng.choice(["lenient", "balanced", "strict"]),
        fairness=rng.random() < 0.7,
        lead_cap=rng.randint(0, 2),
        max_injections=rng.randint(0, 2),
        defer_updates=rng.random() < 0.3,
        updates_before_checklist=rng.choice([None, True, False]),
        isolated=isolated,
        defer_voting=rng.random() < 0.2,
        checklist=checklist,
        criteria=("E1", "E2") if checklist else (),
        skip_coordination=rng.random() < 0.02,
        quick=rng.random() < 0.1,
        delivery=rng.choice(["present", "synthesize", "reuse"]),
        direct_single=rng.random() < 0.5,
        max_restarts=rng.choice([0, 0, 1]),
    )


@dataclass(slots=True)
class Player:
    """One simulated member: where it is in its round, and how it tends to behave."""

    number: int
    keen: float
    ill: float
    ready: bool = False
    held: bool = False
    tools: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)
    calls: int = 0


@dataclass(slots=True)
class Game:
    """A whole attempt: `facts` in order, what came of them, and how many model calls it took."""

    attempt: Attempt
    rng: random.Random
    players: dict[int, Player] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    directives: list[tuple[Directive, ...]] = field(default_factory=list)
    pending: list[Fact] = field(default_factory=list)
    finish: Finish | RestartAttempt | None = None

    def send(self, fact: Fact) -> None:
        before = self.attempt
        self.attempt, out = advance(before, fact)
        self.facts.append(fact)
        self.directives.append(out)
        for directive in out:
            self._obey(directive)
            check_directive(self, directive)

    def _obey(self, directive: Directive) -> None:
        match directive:
            case Summon(agent=agent):
                player = self.players[agent]
                player.tools, player.held, player.ready = (), False, True
            case StartRound(agent=agent, tools=tools, visible=visible):
                player = self.players[agent]
                player.ready, player.tools, player.visible = False, tools, visible
                player.seen = {}
                self._show(player, visible)
            case AcceptAnswer(agent=agent) | AcceptVote(agent=agent) | AcceptStop(agent=agent):
                self.players[agent].tools, self.players[agent].held = (), False
            case EndRound(agent=agent) | AbandonRound(agent=agent):
                self.players[agent].tools, self.players[agent].held = (), False
            case Hold(agent=agent):
                self.players[agent].held = True
            case Inject(agent=agent, labels=labels):
                self._show(self.players[agent], labels)
            case Present():
                self.pending.append(PresentationEnded(at=0, delivered=self.rng.random() < 0.5))
            case Evaluate():
                self.pending.append(Evaluated(at=0, restart=self.rng.random() < 0.5))
            case Finish() | RestartAttempt():
                assert self.finish is None
                self.finish = directive
            case _:
                self._tools_changed()

    def _tools_changed(self) -> None:
        for player in self.players.values():
            if player.tools:
                player.tools = self.attempt.member(player.number).tools

    @staticmethod
    def _show(player: Player, labels: tuple[str, ...]) -> None:
        for label in labels:
            name, _, revision = label.partition(".")
            player.seen[name] = int(revision)

    def busy(self) -> list[Player]:
        plain = self.attempt.rules.plain and self.attempt.members[0].status == "streaming"
        return [p for p in self.players.values() if p.ready or ((p.tools or plain) and not p.held)]


def check_directive(game: Game, directive: Directive) -> None:
    """What must hold at every step: caps, visibility of votes, no interruption of first rounds."""
    attempt = game.attempt
    rules = attempt.rules
    if isinstance(directive, AcceptAnswer):
        if rules.max_answers_global is not None:
            assert len(attempt.answers) <= rules.max_answers_global
        member = attempt.member(directive.agent)
        if rules.max_answers is not None and rules.mode == "voting":
            assert member.count <= rules.max_answers
    if isinstance(directive, AcceptVote) and rules.agents > 1 and directive.target != directive.agent:
        name, _, revision = directive.label.partition(".")
        assert game.players[directive.agent].seen.get(name) == int(revision), "voted for an answer it never saw"
    if isinstance(directive, AbandonRound):
        member = attempt.member(directive.agent)
        capped = rules.max_answers_global is not None and len(attempt.answers) >= rules.max_answers_global
        stopped = rules.mode == "decomposition" and "not seen" in directive.reason
        free = capped or member.barred or member.done or stopped
        assert member.kind != "initial" or free, "a first round was interrupted"
    if isinstance(directive, VoidVote):
        assert not rules.isolated


def _text(rng: random.Random) -> str:
    return " ".join(rng.choice("abcdefghijklmnopqrstuvwxyz") * 2 for _ in range(rng.choice([5, 40])))


def _move(game: Game, player: Player) -> Fact:
    rng, number = game.rng, player.number
    player.calls += 1
    roll = rng.random()
    if roll < player.ill:
        return rng.choice(
            [
                AgentFailed(at=0, agent=number, error_type="api", message="boom"),
                AgentTimedOut(at=0, agent=number, message="slow"),
                AgentSkipped(at=0, agent=number),
                ResponseEnded(at=0, agent=number, text=rng.choice(["", "words"])),
                RoundClosed(at=0, agent=number, text=rng.choice(["", "words"])),
                HardLimitReached(at=0, agent=number),
                VoteProposed(at=0, agent=number, target=rng.choice(["agent9", "", "agent0", "b"]), reason=""),
                AnswerProposed(at=0, agent=number, text=rng.choice(["", " ", "same"])),
            ]
        )
    if roll < 0.3:
        return SafePointReached(
            at=0, agent=number, can_inject=rng.random() < 0.8, seconds_left=rng.choice([None, 10.0, 500.0])
        )
    if "submit_checklist" in player.tools and rng.random() < 0.5:
        scores = {label: {"E1": rng.randint(5, 10), "E2": rng.randint(5, 10)} for label in player.visible}
        return ChecklistSubmitted(at=0, agent=number, scores=scores)
    if "draft_approach" in player.tools and rng.random() < 0.3:
        return ApproachDrafted(at=0, agent=number)
    if game.attempt.rules.plain:
        return ResponseEnded(at=0, agent=number, text=_text(rng))
    if "new_answer" in player.tools and (rng.random() < player.keen or len(player.tools) == 1):
        return AnswerProposed(at=0, agent=number, text=_text(rng))
    if "vote" in player.tools:
        names = list(player.seen) or ["agent1"]
        return VoteProposed(at=0, agent=number, target=rng.choice(names), reason="r")
    return StopProposed(at=0, agent=number, reason="done")


def play(seed: int, rules: Rules | None = None, *, deadline: bool = True, deaths: bool = True) -> Game:
    """One random attempt from start to end. Raises AssertionError where an invariant breaks."""
    rng = random.Random(seed)
    rules = rules or random_rules(rng)
    game = Game(attempt=new_attempt(rules), rng=rng)
    for number in range(1, rules.agents + 1):
        game.players[number] = Player(number, keen=rng.choice([0.1, 0.5, 0.9]), ill=rng.choice([0.0, 0.05, 0.5]))
    dying = rng.choice([0.0, 0.0, 0.02]) if deaths else 0.0
    gone = tuple(n for n in game.players if rng.random() < 0.03)
    game.send(AttemptBegan(at=0, excluded=gone))
    limit = rng.randint(1, 60) if deadline and rng.random() < 0.1 else MAX_FACTS
    while game.finish is None:
        if len(game.facts) >= limit:
            game.send(rng.choice([DeadlineReached(at=0), Cancelled(at=0)]))
            continue
        if game.pending:
            game.send(game.pending.pop(0))
            continue
        busy = game.busy()
        assert busy, "deadlock: nobody may move and the attempt is not over"
        if rng.random() < dying:
            die(game)
            continue
        player = rng.choice(busy)
        if player.ready:
            player.ready = False
            game.send(RoundReady(at=0, agent=player.number))
        else:
            game.send(_move(game, player))
        for other, member in zip(game.players.values(), game.attempt.members, strict=True):
            other.held = member.held is not None
            if other.tools:
                other.tools = member.tools
    check_end(game)
    return game


def die(game: Game) -> None:
    """The process dies with all rounds in flight; another one goes on from the facts."""
    for player in game.players.values():
        player.ready, player.held, player.tools, player.seen = False, False, (), {}
    game.send(Resumed(at=0))


def check_end(game: Game) -> None:
    """The winner follows from the standing votes; everybody's state is final."""
    attempt, finish = game.attempt, game.finish
    if not isinstance(finish, Finish):
        return
    if finish.outcome == "complete" and attempt.rules.mode == "voting" and not attempt.rules.skip_coordination:
        chosen = best_available(attempt)
        assert chosen is not None and finish.winner == chosen.agent
        votes = tally(attempt).votes
        if any(votes.values()):
            assert votes[finish.label] == max(votes[a.label] for a in attempt.current())
    if finish.label:
        assert attempt.find(finish.label) is not None
    for member in attempt.members:
        if member.vote is not None and not attempt.rules.isolated and attempt.rules.agents > 1:
            target = attempt.member(member.vote.target)
            assert member.vote.label == label_of(target.number, target.count), "a vote for an old answer stands"
        if member.vote is not None and attempt.rules.agents > 1:
            assert member.vote.target == member.number or member.seen.get(member.vote.target)


def replayed(game: Game) -> bool:
    """Whether the same facts, applied to a new attempt, give the same directives and the same end."""
    attempt = new_attempt(game.attempt.rules)
    for fact, directives in zip(game.facts, game.directives, strict=True):
        attempt, again = advance(attempt, fact)
        if again != directives:
            return False
    return attempt == game.attempt
