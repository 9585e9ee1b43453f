"""The commands of an interactive session (SESS-020 to SESS-026)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from massgen.cli.console import Writer, one_line, tell
from massgen.cli.inspection import Inspection, open_in_desktop, show_all
from massgen.cli.start_screen import team_lines
from massgen.cli.steering import during_lines
from massgen.config import Config
from massgen.errors import MassGenError
from massgen.runs.conversation import Conversation
from massgen.runs.past_turns import find_turn
from massgen.runs.sessions import Session
from massgen.workspace.context_paths import RequestedPath, check_context_paths
from massgen.workspace.launch_offer import added_text

GOODBYE = "Exiting MassGen. Goodbye!"


class Command(NamedTuple):
    names: tuple[str, ...]
    summary: str


COMMANDS = (
    Command(("/help", "/h"), "Show this list"),
    Command(("/status",), "Agents, mode, conversation and configuration"),
    Command(("/config",), "Open the configuration in your editor"),
    Command(("/context",), "Add or change context paths for the next turns"),
    Command(("/inspect", "/i"), "Look into the last turn; N: another; all: list them"),
    Command(("/clear", "/reset"), "Forget the conversation; turns stay on disk"),
    Command(("/quit", "/exit", "/q"), "Leave"),
)
NAMES = tuple(name for command in COMMANDS for name in command.names)


class Slash:
    """`run` carries out one line that begins with `/`; False means that the session ends."""

    def __init__(self, out: Writer, chat: Conversation, ask: Callable[[str], str]) -> None:
        self._out = out
        self._chat = chat
        self._ask = ask

    def run(self, line: str) -> bool:
        name, _, rest = line.strip().partition(" ")
        known = next((command for command in COMMANDS if name.lower() in command.names), None)
        match known.names[0] if known else "":
            case "/quit":
                return False
            case "/help":
                self._help()
            case "/status":
                self._status()
            case "/config":
                self._config()
            case "/context":
                self._context(rest.strip())
            case "/inspect":
                self._inspect(rest.strip().lower())
            case "/clear":
                self._chat.forget()
                self._out.line("The conversation starts afresh; earlier turns stay on disk (/inspect all).")
            case _ if name.lower() in ("/cancel", "/skip"):
                self._out.line("No turn runs.")
            case _:
                self._out.line(f"There is no command {one_line(name)}. /help lists them.")
        return True

    def _help(self) -> None:
        for command in COMMANDS:
            self._out.line(f"  {', '.join(command.names):<22}  {command.summary}")
        self._out.line("  @path, @path:w          Let the agents read, or write, a file or directory")
        self._out.line("While a turn runs:")
        for line in during_lines():
            self._out.line(line)

    @property
    def _configuration(self) -> Config:
        return self._chat.base.loaded.require()

    def _status(self) -> None:
        for line in team_lines(self._configuration):
            self._out.line(line)
        session = current_session(self._chat)
        earlier = [turn for turn in session.turns() if turn.number >= self._chat.forgotten_before] if session else []
        self._out.line(f"Conversation: {len(earlier)} turn(s)")
        if session is not None:
            self._out.line(f"Session: {session.session_id}")
        self._out.line(f"Configuration: {self._chat.base.loaded.path or 'none (quick model mode)'}")

    def _config(self) -> None:
        path = self._chat.base.loaded.path
        if path is None:
            self._out.line("There is no configuration file: this session was started with --model or --backend.")
        elif open_in_desktop(path):
            self._out.line(f"Opened {path}. Changes count from the next start.")
        else:
            self._out.line(f"Configuration: {path}")

    def _context(self, path: str) -> None:
        """Paths until an empty line; the one that stands behind the command alone."""
        for known in (*self._chat.base.context_paths, *self._chat.paths):
            self._out.line(f"  {known.path} ({known.permission})")
        if path:
            self._add(path)
            return
        while path := self._ask("Path (empty line to finish): ").strip():
            self._add(path)

    def _add(self, path: str) -> None:
        """What is no path is refused before anybody is asked what may be done with it."""
        launch = self._chat.base.launch
        try:
            check_context_paths([RequestedPath(path=path)], launch_directory=launch)
            answer = self._ask("[R]ead (default) or [W]rite: ").strip().lower()
            wish = RequestedPath(path=path, permission="write" if answer in ("w", "write") else "read")
            checked = check_context_paths([wish], launch_directory=launch)
        except MassGenError as error:
            tell(f"Error: {error}")
            return
        for found in checked.paths:
            self._chat.add_paths([RequestedPath(path=str(found.path), permission=found.permission)])
            self._out.line(added_text(found.path, found.permission))

    def _inspect(self, wanted: str) -> None:
        session = current_session(self._chat)
        if session is None:
            self._out.line("No turns yet: ask something first.")
        elif wanted == "all":
            show_all(self._out, session)
        elif wanted and not wanted.isdecimal():
            self._out.line("Use /inspect, /inspect N or /inspect all.")
        else:
            found = find_turn(session, int(wanted) if wanted else None)
            if isinstance(found, str):
                self._out.line(found)
            else:
                Inspection(self._out, found, self._ask).run()


def current_session(chat: Conversation) -> Session | None:
    """The session on disk, None before its first turn."""
    if chat.last is not None:
        return chat.last.session
    wanted = chat.base.session_id or chat.base.loaded.require().session_id
    if not wanted:
        return None
    from massgen.workspace.layout import storage_path

    storage = storage_path(chat.base.loaded.require().orchestrator.session_storage, chat.base.launch)
    return Session.open(storage, wanted)
