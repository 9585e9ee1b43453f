"""What a person does while the team works: tell, skip, cancel, answer. All of it goes to the engine as commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer

from massgen.tui.app import TeamApp
from massgen.tui.link import EngineLink
from massgen.tui.prompt import Prompt
from massgen.tui.symbols import one_line, sign
from massgen.tui.wanted import WaitingRoom

INTERRUPTED = 4
POLL_SECONDS, IDLE_SECONDS = 0.1, 1.0


class SteeredApp(TeamApp):
    """A team that is at work in the process behind `link`. While a turn runs, `running` is true and `at_turn` set."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "question", "Open the question that waits for you", priority=True),
        Binding("x", "skip", "Skip an agent for this turn"),
        Binding("m", "message", "Message to one agent"),
        Binding("s", "stop_after", "Stop after this turn, or go on after all"),
    ]

    def __init__(self, link: EngineLink, prompt: Prompt) -> None:
        super().__init__()
        self.link = link
        self.prompt = prompt
        self.wanted = WaitingRoom(self)
        self.running = False
        self.cancelled = False
        self.stops = False
        self.leaving = False
        self.at_turn = asyncio.Event()
        self._looking: Timer | None = None

    def on_mount(self) -> None:
        self._looking = self.set_interval(0.5, self._look, pause=True)

    def look_on(self) -> None:
        """Something may wait for the person."""
        if self._looking is not None:
            self._looking.resume()

    def _look(self) -> None:
        self.wanted.look()
        if not self.wanted.is_watching and self._looking is not None:
            self._looking.pause()

    async def follow(self, directory: Path) -> None:
        """Hear what is written there."""
        from massgen.views.follow import follow

        async for event in follow(directory, pause=self._until_more):
            self.heard(event)

    async def _until_more(self, over: bool) -> None:
        """Between two turns nothing is written."""
        if over:
            await self.at_turn.wait()
        await asyncio.sleep(POLL_SECONDS if self.running else IDLE_SECONDS)

    def is_free(self) -> bool:
        """Whether nothing is typed and nothing else is open: then a question may open by itself."""
        return len(self.screen_stack) == 1 and not self.prompt.text

    def announce(self, headline: str) -> None:
        """A question waits; the person is busy."""
        self.bell()
        self.say(sign(f"📢 {headline} (F4 opens it)"))
        self.draw_bar()

    def reply(self, number: int, answer: Mapping[str, Any]) -> None:
        """The person decided."""
        self.link.send({"do": "reply", "id": number, **answer})
        self.draw_bar()

    def action_question(self) -> None:
        """F4: what waits for the person."""
        if not self.wanted.open_next(now=True):
            self.say("No question waits for you.")
        self.draw_bar()

    def tell(self, text: str) -> None:
        """`@agent text` is for one agent, everything else for all (SESS-045)."""
        name, _, rest = text.partition(" ")
        agent = name[1:] if name.startswith("@") and name[1:] in self.panels and rest.strip() else None
        self.link.send({"do": "tell", "text": rest.strip() if agent else text, "agent": agent})
        self.say(sign(f"→ {agent or 'all agents'}, at the next safe point"))

    def action_message(self) -> None:
        """Begin a message to the agent that is looked at."""
        names = list(self.panels)
        if not self.running or not names:
            self.say("No agent is at work.")
            return
        self.prompt.text = f"@{names[self.current]} "
        self.prompt.move_cursor(self.prompt.document.end)
        self.prompt.focus()

    def at_work(self) -> list[str]:
        """Agents that can be skipped."""
        agents = self.feed.state.agents.values()
        return [agent.agent_id for agent in agents if agent.status not in ("error", "timeout")]

    def action_skip(self) -> None:
        """Choose whom; nothing is done by a single key."""
        names = self.at_work() if self.running else []
        if not names:
            self.say("No agent is at work.")
            return
        from massgen.tui.choices import ChoiceScreen

        here = list(self.panels)[self.current] if self.panels else ""

        def chosen(position: int | None) -> None:
            if position is not None:
                self.skip(names[position])

        start = names.index(here) if here in names else 0
        hint = " Enter: it stops and is out for this turn; its answers stay. Esc closes"
        self.push_screen(ChoiceScreen("Skip which agent?", names, start=start, hint=hint), chosen)

    def skip(self, name: str) -> None:
        """One agent is out for this turn; its answers stay."""
        if not self.running:
            self.say("No agent is at work.")
        elif name not in self.at_work():
            known = ", ".join(one_line(agent) for agent in self.at_work())
            self.say(f"There is no agent {one_line(name)} at work. At work: {known}", error=True)
        elif self.feed.state.phase == "presentation":
            self.say("The result is being presented; Ctrl+C cancels the turn.")
        else:
            self.link.send({"do": "skip", "agent": name})
            self.say(sign(f"⊘ {one_line(name)} stops and is out for this turn; its answers stay."))

    def action_stop_after(self) -> None:
        """Let this turn end and ask nothing further, or take that back."""
        if not self.running:
            self.say("No turn runs.")
            return
        self.stops = not self.stops
        self.link.send({"do": "cancel", "after": self.stops})
        words = "Nothing further is asked after this turn." if self.stops else "What waits is asked after this turn."
        self.say(words)
        self.draw_bar()

    def cancel(self, rest: str = "") -> None:
        """`/cancel` now, `/cancel after` once the turn is over."""
        if rest.startswith("after"):
            self.action_stop_after()
        elif self.running:
            self.cancelled = True
            self.link.send({"do": "cancel"})
            self.say(sign("⚠️ Cancellation requested - saving partial progress..."))
        else:
            self.say("No turn runs.")

    def action_interrupt(self) -> None:
        """Ctrl+C: cancel, then leave at once; leave where nothing runs (SESS-027)."""
        if not self.running:
            self.action_leave()
        elif not self.cancelled:
            self.cancel()
        else:
            self.link.kill()
            self.leaving = True
            self.exit(INTERRUPTED, return_code=INTERRUPTED)
