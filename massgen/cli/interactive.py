"""`massgen` without a question, in plain text: ask, watch, ask again (SESS-001 to SESS-027)."""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from massgen.cli.asking import references
from massgen.cli.console import Writer, one_line, tell
from massgen.cli.keyboard import Keyboard
from massgen.cli.person import Person
from massgen.cli.plain import TurnDisplay, turn_display
from massgen.cli.session import run_to_end
from massgen.cli.slash import GOODBYE, NAMES, Slash
from massgen.cli.start_screen import show_start
from massgen.cli.suggestions import earlier_questions, rehearsed_question
from massgen.errors import EXIT_INTERRUPTED, EXIT_OK, MassGenError
from massgen.runs.conversation import Conversation
from massgen.runs.request import RunRequest
from massgen.workspace.context_paths import RequestedPath, check_context_paths
from massgen.workspace.launch_offer import PROTECTED_QUESTION, added_text, offer_answer, offer_text
from massgen.workspace.references import references_notice

PROMPT = "👤 User: "
CANCELLED = "⏸️ Turn cancelled. Partial progress saved. Enter your next question or /quit to exit."


def run_interactive(request: RunRequest, kind: str) -> int:
    """Until the person leaves; the exit code is 0."""
    out = Writer()
    config = request.loaded.require()
    show_start(out, config)
    keyboard = Keyboard(NAMES, request.launch)
    session = InteractiveSession(out, keyboard, request, kind)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        session.offer_launch_directory()
        session.offer_questions()
        session.converse()
    keyboard.close()
    out.line()
    out.line(GOODBYE)
    return EXIT_OK


class InteractiveSession:
    """The loop of one session."""

    def __init__(self, out: Writer, keyboard: Keyboard, request: RunRequest, kind: str) -> None:
        self._out = out
        self._keyboard = keyboard
        self._kind = kind
        self._person = Person(out)
        self._chat = Conversation(self._person.asked_by(request))
        self._slash = Slash(out, self._chat, keyboard.ask)

    def offer_launch_directory(self) -> None:
        """WS-059: only where no context path is known."""
        request = self._chat.base
        if request.context_paths or request.loaded.require().orchestrator.context_paths:
            return
        if not any(agent.backend.cwd is not None for agent in request.loaded.require().agents):
            return
        answer = None
        while answer is None:
            answer = offer_answer(self._keyboard.ask(offer_text(request.launch)))
        path = str(request.launch)
        match answer:
            case "no":
                return
            case "yes":
                wish = RequestedPath(path=path)
            case "protected":
                wish = RequestedPath(path=path, permission="write", protected_paths=self._protected())
            case "custom":
                wish = RequestedPath(path=self._keyboard.ask("Path: ").strip())
        self._add(wish)

    def offer_questions(self) -> None:
        """What Up brings back at first: questions of earlier turns, or what a simulated team knows."""
        earlier, rehearsed = earlier_questions(self._chat), rehearsed_question(self._chat)
        if earlier:
            self._out.line(f"This session has {len(earlier)} earlier turn(s): /inspect all lists them.")
        elif rehearsed:
            self._out.line("This team is simulated and knows what to say to this (Up, then Enter):")
            self._out.line(f"  {one_line(rehearsed)}")
        known = [rehearsed, *earlier] if rehearsed and rehearsed not in earlier else earlier
        self._keyboard.remember(*(one_line(question) for question in known))

    def _protected(self) -> tuple[str, ...]:
        self._out.line(PROTECTED_QUESTION)
        entries: list[str] = []
        while entry := self._keyboard.ask(" → ").strip():
            entries.append(entry)
        return tuple(entries)

    def _add(self, wish: RequestedPath) -> None:
        try:
            (found,) = check_context_paths([wish], launch_directory=self._chat.base.launch).paths
        except MassGenError as error:
            tell(f"Error: {error}")
            return
        self._chat.add_paths([replace(wish, path=str(found.path))])
        self._out.line(added_text(found.path, found.permission, wish.protected_paths))

    def converse(self) -> None:
        """Ask and answer until the person leaves."""
        waiting: list[str] = []
        while not self._person.leaving:
            if waiting:
                line = waiting.pop(0)
                self._keyboard.remember(line)
                self._out.line(f"{PROMPT}{line}")
            else:
                self._out.line()
                line = self._keyboard.read(PROMPT, self._person.half_typed())
            if not line.strip():
                continue
            if line.lstrip().startswith("/") and "\n" not in line:
                if not self._obey(line):
                    return
                continue
            try:
                waiting += self._turn(line)
            except MassGenError as error:
                tell(f"Error: {error}")
            if self._person.stops:
                for text in waiting:
                    self._out.line(f"Not asked any more: {one_line(text)}")
                waiting.clear()

    def _obey(self, line: str) -> bool:
        """False where the session ends. Ctrl+C and Ctrl+D at a question of a command end only the command."""
        try:
            return self._slash.run(line)
        except (EOFError, KeyboardInterrupt):
            self._out.line()
            return True

    def _turn(self, line: str) -> tuple[str, ...]:
        """One turn; what was said too late for it is the next question (SESS-046)."""
        question, named = references(line)
        if named:
            checked = check_context_paths(named, launch_directory=self._chat.base.launch).paths
            self._out.line(references_notice(checked))
        run = self._chat.turn(question, named)
        display: TurnDisplay = turn_display(self._kind, self._out, run.agents)
        self._person.look_at(display)
        run.stream.subscribe(display)
        result = run_to_end(run, display.say_cancelled, self._person)
        display.finish(result)
        if result.exit_code == EXIT_INTERRUPTED:
            if not self._person.leaving:
                self._out.line(CANCELLED)
            return ()
        if result.exit_code != EXIT_OK and result.message:
            tell(f"Error: {result.message}")
        return run.unheard
