"""What a typed line does to the turn that runs: tell, skip, cancel, leave (SESS-045)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from massgen.cli.console import Writer, one_line
from massgen.runs.run import Run

DURING = (
    ("TEXT", "Tell all agents, at the next safe point of each"),
    ("@AGENT TEXT", "Tell one agent"),
    ("/skip AGENT", "The agent stops and is out for this turn"),
    ("/cancel", "Stop now, keep what there is (Ctrl+C does the same)"),
    ("/cancel after", "Finish this turn, do not ask what waits; again: do"),
    ("/quit", "Stop now, keep what there is, and leave"),
)
WIDTH = 22


def during_lines() -> tuple[str, ...]:
    """What can be typed while a turn runs, for `/help`."""
    return tuple(f"  {words:<{WIDTH}}  {summary}" for words, summary in DURING)


class Steering:
    """One for each turn. `leaving` and `stops` say what is wanted once it is over: the end of the session, or only that
    nothing that waits is asked. `cancel` stops the turn now."""

    def __init__(self, out: Writer, run: Run, cancel: Callable[[], None]) -> None:
        self._out = out
        self._run = run
        self._cancel = cancel
        self.leaving = False
        self.stops = False

    def take(self, line: str) -> None:
        """Obey a command; everything else is for the agents."""
        name, _, rest = line.partition(" ")
        match name.lower() if "\n" not in line else "":
            case "/quit" | "/exit" | "/q":
                self.leaving = True
                self._cancel()
            case "/cancel":
                self._stop(rest.strip().lower())
            case "/skip":
                self._skip(rest.strip().removeprefix("@"))
            case "/help" | "/h":
                self._out.line("While this turn runs:")
                for said in during_lines():
                    self._out.line(said)
            case command if command.startswith("/"):
                self._out.line(f"{one_line(name)} does nothing while a turn runs. /help lists what does.")
            case _:
                self._tell(line)

    def _stop(self, when: str) -> None:
        if when == "after":
            self.stops = not self.stops
            wish = "stop" if self.stops else "go on"
            self._run.log.text.note(f"A person wants the session to {wish} after this turn.")
            words = "Nothing further is asked" if self.stops else "What waits is asked"
            self._out.line(f"{words} after this turn.")
        elif when:
            self._out.line("Use /cancel to stop now, or /cancel after to stop when this turn is over.")
        else:
            self._cancel()

    def _tell(self, line: str) -> None:
        """`@agent text` is for one agent, everything else for all. A name that is neither agent nor path is a slip."""
        name, _, text = line.partition(" ")
        named = name[1:] if name.startswith("@") else ""
        agent = named if named in self._run.agents and text.strip() else None
        if named and agent is None and not _is_path(named):
            self._out.line(f"Nobody was told: there is no agent {one_line(named)}{self._known()}")
            return
        self._run.inject(text.strip() if agent else line, agent)
        self._out.line(f"→ {agent or 'all agents'}, at the next safe point")

    def _skip(self, agent: str) -> None:
        state = self._run.log.state
        at_work = [view.agent_id for view in state.agents.values() if view.status not in ("error", "timeout")]
        known = f"At work: {', '.join(one_line(name) for name in at_work)}"
        if not agent:
            self._out.line(f"Skip which agent? /skip AGENT. {known}")
        elif agent not in at_work:
            self._out.line(f"There is no agent {one_line(agent)} at work. {known}")
        elif state.phase == "presentation":
            self._out.line("The result is being presented; /cancel stops the turn.")
        elif self._run.skip(agent):
            self._out.line(f"⊘ {one_line(agent)} stops and is out for this turn; its answers stay.")

    def _known(self) -> str:
        return f". The agents: {', '.join(one_line(agent) for agent in self._run.agents)}"


def _is_path(named: str) -> bool:
    """Whether `@named` may be meant as a file or directory."""
    place = named.removesuffix(":w")
    try:
        return "/" in place or "." in place or Path(place).exists()
    except (OSError, ValueError):
        return False
