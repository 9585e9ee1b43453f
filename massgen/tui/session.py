"""The application of a session: the team at work, one input line, the engine in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from massgen.tui.commands import Command, Commands
from massgen.tui.keys import ASKING, KEYS
from massgen.tui.link import EngineLink
from massgen.tui.modes import LOWEST, ModeBar, ModeToggle
from massgen.tui.prompt import Prompt
from massgen.tui.steering import INTERRUPTED, SteeredApp
from massgen.tui.symbols import one_line, sign
from massgen.tui.wanted import wanted_from

if TYPE_CHECKING:
    from massgen.runs.sessions import StoredTurn

EXECUTION = 2
SAVING_SECONDS = 10.0
CANCELLED = "⏸️ Turn cancelled. Partial progress saved. Enter your next question or /quit to exit."
LOGO = "MassGen: a team of agents works on your question, votes, and the winner answers."


class Start(Struct, frozen=True, kw_only=True):
    """How the engine is started, and what it is told first."""

    command: tuple[str, ...]
    question: str
    flags: Mapping[str, Any]
    launch: Path
    context: str = "off"


class SessionApp(SteeredApp):
    """`return_code`, `last_answer` and `failure` are for the command line that started it."""

    KEYS = KEYS + ASKING
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "context", "Share this directory", priority=True),
        Binding("f5", "modes", "Modes: agents, work, refine, personas, questions", priority=True),
        Binding("n", "inspect", "Look into a turn of the session"),
        Binding("escape", "team", show=False),
        Binding("i,slash", "prompt", "Type", show=False),
    ]

    def __init__(self, start: Start) -> None:
        link = EngineLink(start.command, {"question": start.question, "flags": dict(start.flags)})
        super().__init__(link, Prompt(self._complete))
        self.start = start
        self.welcome = Static(LOGO, id="welcome", markup=False)
        self.commands = self._commands()
        self.mode_bar = ModeBar()
        self.ready = False
        self.last_answer = ""
        self.failure = ""
        self.config = ""
        self.context = start.context
        self.team: list[list[str]] = []
        self._typing = True
        self._code = 0
        self._waiting: list[str] = []

    def compose(self) -> ComposeResult:
        *above, bar = super().compose()
        yield from above
        yield self.welcome
        yield self.mode_bar
        yield self.prompt
        yield bar

    def on_mount(self) -> None:
        self.note = "starting..." if not self.start.question else "the team gets ready..."
        self.seats.display = False
        self.prompt.focus()
        self.watch(self.prompt, "has_focus", self._focus_moved, init=False)
        self.run_worker(self._engine(), name="engine")

    def draw_bar(self) -> None:
        state = "Enter tells the agents, @agent one of them, Ctrl+C cancels" if self.running else "Enter asks"
        if self.wanted.waiting:
            state = f"F4 opens {self.wanted.waiting} question(s) for you"
        if self.running and self.stops:
            state = f"stops after this turn  {state}"
        line = f" {state}  Esc then ? keys  Ctrl+K all  F5 modes"
        self._typing = self.prompt.has_focus
        if not self._typing and self.ready:
            steer = "x skip  m message  s stop after  " if self.running else ""
            line = f" i types  ? keys  {steer}r table  a answers  t timeline  w files  f result  z zoom  n turns"
        self.bar.update(sign(line))

    def _focus_moved(self) -> None:
        if self.prompt.has_focus != self._typing and len(self.screen_stack) == 1:
            self.draw_bar()

    async def _engine(self) -> None:
        """What the engine says, until it ends."""
        async for message in self.link.messages():
            self._heard(message)
        if not self.leaving:
            words = "\n".join(list(self.link.last_words)[-5:])
            more = f"\nGo on with the turn: massgen resume {self.log_dir}" if self.running and self.log_dir else ""
            self.failure = self.failure or f"The engine ended unexpectedly.\n{words}".rstrip() + more
            self._code = self._code or EXECUTION
        self.exit(self._code, return_code=self._code)

    def _heard(self, message: Mapping[str, Any]) -> None:
        text = str(message.get("text") or message.get("message") or "")
        match message.get("say"):
            case "ready":
                self._get_ready(message)
            case "failed":
                self.failure, self._code, self.leaving = text, int(message.get("exit_code") or 1), True
            case "turn":
                self._begin(message)
            case "ended":
                self._end(message, text)
            case "refused":
                self.say(text, error=True)
            case "queued":
                self.say(sign(f"→ next question: {one_line(text)}"))
            case "dropped":
                self.say(f"Not asked any more: {one_line(text)}")
            case "modes":
                self._show_modes(message)
            case "session":
                self._show_turn(str(message.get("root") or ""), str(message.get("wanted") or ""))
            case "question" | "review":
                self.wanted.add(wanted_from(message))
                self.look_on()
            case "closed":
                self.wanted.close(int(message.get("id") or 0))
                self.look_on()
            case "notice":
                self.say(text)
            case _:
                return

    def _get_ready(self, message: Mapping[str, Any]) -> None:
        self.ready, self.note = True, "" if self.start.question else "ready"
        self.team = [[str(part) for part in agent] for agent in message.get("agents") or []]
        self.config = str(message.get("config") or "")
        self._show_modes(message)
        mode = f"Multi-Agent ({len(self.team)} agents)" if len(self.team) > 1 else "Single Agent"
        lines = [LOGO, "", f"Mode: {mode}"]
        lines += [f"  {one_line(name)}: {one_line(model) or '-'} ({label})" for name, model, label in self.team]
        lines += ["", "Type your question below and press Enter. /help lists the commands, F1 the keys."]
        lines += self._offer([str(text) for text in message.get("earlier") or ()], str(message.get("rehearsed") or ""))
        self.welcome.update("\n".join(lines))
        self.set_timer(0.3, self._say_last_words)
        for text in self._waiting:
            self.link.send({"do": "ask", "text": text})
        self._waiting.clear()
        self.draw_header()

    def _say_last_words(self) -> None:
        """What the engine said on standard error while it started."""
        words = [line.strip() for line in self.link.last_words if line.strip()]
        if words:
            self.say("\n".join(words[:8]))

    def _offer(self, earlier: list[str], rehearsed: str) -> list[str]:
        """Questions that Up brings into the input; what the welcome says about them."""
        self.prompt.remember([rehearsed, *earlier] if rehearsed and rehearsed not in earlier else earlier)
        if earlier:
            return [f"This session has {len(earlier)} earlier turn(s): Up brings their questions, /inspect shows them."]
        if rehearsed:
            hint = "This team is simulated and knows what to say to this (Up, then Enter):"
            return ["", hint, f"  {one_line(rehearsed)}"]
        return []

    def _begin(self, message: Mapping[str, Any]) -> None:
        self.running, self.cancelled, self.stops, self.note = True, False, False, ""
        self.at_turn.set()
        self.welcome.display = False
        self.seats.display = True
        directory = Path(str(message.get("log_dir")))
        if self.log_dir is None:
            self.log_dir = directory
            self.run_worker(self.follow(directory), name="events")
        self.draw_bar()

    def _end(self, message: Mapping[str, Any], text: str) -> None:
        self.running = False
        self.at_turn.clear()
        code = int(message.get("exit_code") or 0)
        self._code = code if self.start.question else 0
        self.last_answer = str(message.get("answer") or "")
        if code == INTERRUPTED:
            self.say(sign(CANCELLED))
        elif code:
            self.say(text or "The turn failed.", error=True)
        self.draw_bar()

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        text = event.text.strip()
        if text.startswith("/") and "\n" not in text:
            if not self.commands.run(text):
                self.say(f"There is no command {one_line(text.split()[0])}. /help lists them.", error=True)
        elif not self.ready:
            self._waiting.append(text)
            self.say("The team gets ready; your question is asked then.")
        elif self.running:
            self.tell(text)
        else:
            self.link.send({"do": "ask", "text": text})

    def _commands(self) -> Commands:
        return Commands(
            Command(("/help", "/h"), "", "keys and commands", lambda _: self.action_keys()),
            Command(("/status",), "", "team, configuration, session", lambda _: self._show_status()),
            Command(("/inspect", "/i"), "[N or all]", "look into the last turn, or another", self._inspect),
            Command(("/context",), "PATH [write]", "let the agents see a path; alone: list them", self._add_path),
            Command(("/config",), "", "open the configuration", lambda _: self.link.send({"do": "config"})),
            Command(("/clear", "/reset"), "", "forget the earlier turns", lambda _: self._forget()),
            Command(("/skip",), "AGENT", "an agent stops and is out for this turn", self._skip),
            Command(("/cancel",), "[after]", "stop the turn now, or after its end", self.cancel),
            Command(("/mode",), "[NAME VALUE]", "agents, work, refine, personas, questions", self._mode),
            Command(("/quit", "/exit", "/q"), "", "leave", lambda _: self.action_leave()),
        )

    def _show_status(self) -> None:
        from massgen.tui.contents import status_text

        facts = [f"{a[0]}: {a[1]} ({a[2]})" for a in self.team] + [f"Configuration: {self.config or '-'}"]
        self.open_text("Status", lambda: status_text(self.feed, facts))

    def _inspect(self, wanted: str = "") -> None:
        self.link.send({"do": "session", "wanted": wanted})

    def action_inspect(self) -> None:
        self._inspect("all")

    def _show_turn(self, root: str, wanted: str) -> None:
        from massgen.tui.inspection import session_at, turn_lines, wanted_turn

        session = session_at(Path(root)) if root else None
        if session is None or not session.turns():
            self.say("No turns yet: ask something first.")
        elif wanted == "all":
            self._choose_turn(turn_lines(session))
        else:
            self._open_turn(wanted_turn(session, wanted))

    def _choose_turn(self, lines: list[tuple[str, StoredTurn]]) -> None:
        from massgen.tui.choices import ChoiceScreen

        def chosen(position: int | None) -> None:
            if position is not None:
                self._open_turn(lines[position][1])

        names = [line for line, _ in lines]
        self.push_screen(ChoiceScreen("Turns of this session", names, start=len(names) - 1), chosen)

    def _open_turn(self, turn: StoredTurn | str) -> None:
        if isinstance(turn, str):
            self.say(turn, error=True)
            return
        from massgen.tui.inspection import turn_entries
        from massgen.tui.screens import BrowseScreen

        self.push_screen(BrowseScreen(f"Turn {turn.number}", turn_entries(turn), empty="Nothing is kept."))

    def _add_path(self, rest: str) -> None:
        path, _, permission = rest.partition(" ")
        self.link.send({"do": "paths", "path": path, "permission": permission})

    def _forget(self) -> None:
        self.link.send({"do": "forget"})
        self.say("The conversation starts afresh; earlier turns stay on disk.")

    def _complete(self, word: str) -> list[str]:
        if word.startswith("/"):
            return self.commands.starting_with(word)
        from massgen.workspace.references import complete_reference

        agents = [f"@{name}" for name in self.panels if f"@{name}".startswith(word)] if self.running else []
        return [*agents, *(f"@{path}" for path in complete_reference(word[1:], self.start.launch))]

    def action_leave(self) -> None:
        """A running turn is cancelled and saved first."""
        if self.leaving:
            return
        self.leaving = True
        self.note = "saving and leaving..." if self.running else "leaving..."
        self.draw_header()
        self.link.send({"do": "quit"})
        self.run_worker(self._give_up(), name="leaving")

    async def _give_up(self) -> None:
        await asyncio.sleep(SAVING_SECONDS)
        self.link.kill()
        self.exit(self._code, return_code=self._code)

    def action_keys(self) -> None:
        self.open_text("Keys and commands", lambda: f"{self.KEYS}{self.commands.help()}", again=False)

    def _skip(self, name: str) -> None:
        self.skip(name.removeprefix("@")) if name else self.action_skip()

    def _show_modes(self, message: Mapping[str, Any]) -> None:
        given = message.get("modes")
        values = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        self.mode_bar.show([agent[0] for agent in self.team], {**values, "directory": self.context})
        self._fit_modes()

    def relayout(self) -> None:
        self._fit_modes()
        super().relayout()

    def _fit_modes(self) -> None:
        self.mode_bar.display = self.ready and self._room.height >= LOWEST
        self.mode_bar.columns = self._room.width
        self.mode_bar.draw()

    def _height(self) -> int:
        return super()._height() - int(self.mode_bar.display)

    def set_mode(self, name: str, value: str | None) -> None:
        """Another value for a toggle, from the next turn on."""
        if value is None:
            self.say("Personas are for parallel work." if name == "personas" else "There is no other value.")
        elif name == "directory":
            self._share(value)
        else:
            self.link.send({"do": "mode", "name": name, "value": value})

    def on_mode_toggle_turned(self, event: ModeToggle.Turned) -> None:
        self.set_mode(event.name, self.mode_bar.turned(event.name))

    def _mode(self, rest: str) -> None:
        """`/mode` opens the list, `/mode refine off` sets one."""
        title, _, value = rest.partition(" ")
        mode = next((mode for mode in self.mode_bar.modes if title in (mode.title, mode.name)), None)
        if not rest:
            self.action_modes()
        elif mode is None or value.strip() not in mode.values:
            known = "; ".join(f"{mode.title} {'|'.join(mode.values)}" for mode in self.mode_bar.modes)
            self.say(f"Modes: {known}", error=True)
        else:
            self.set_mode(mode.name, value.strip())

    def action_modes(self) -> None:
        if not self.ready:
            self.say("The team gets ready.")
            return
        from massgen.tui.choices import TurningScreen

        def turn(position: int, step: int) -> None:
            name = self.mode_bar.modes[position].name
            self.set_mode(name, self.mode_bar.turned(name, step))

        self.push_screen(TurningScreen("How the team works from the next turn on", self.mode_bar.lines, turn))

    def action_context(self) -> None:
        """TUI-041."""
        self._share({"off": "read", "read": "write"}.get(self.context, "off"))

    def _share(self, mode: str) -> None:
        self.context = self.mode_bar.values["directory"] = mode
        self.mode_bar.draw()
        self.link.send({"do": "context", "mode": mode})
        words = {"off": "is not shared", "read": "may be read", "write": "may be changed by the winner"}
        self.say(f"From the next turn on this directory {words[self.context]}.")

    def action_team(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        panels = list(self.panels.values())
        if panels:
            panels[self.current].focus()
        else:
            self.set_focus(None)

    def action_prompt(self) -> None:
        self.prompt.focus()


__all__ = ["SessionApp", "Start"]
