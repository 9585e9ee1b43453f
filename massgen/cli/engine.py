"""The engine of the terminal application: runs turns in a process of its own, told what to do in lines of JSON.

Commands on standard input, `{"do": ...}`: start (question, flags), ask (text), tell (text, agent), skip (agent),
cancel (now; with after: true nothing further is asked once the turn is over, false takes that back),
reply (id, text or accepted), forget, context (mode), mode (name, value),
paths (path, permission), session (wanted), config, quit.
Messages on standard output, `{"say": ...}`: ready, failed, turn, ended, modes, refused, queued, dropped, question,
review, closed, session, notice. What happens inside a turn stands in its event log.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from massgen.cli.asking import Asked, prepare, references
from massgen.cli.console import Writer, contract_stream
from massgen.cli.inspection import open_in_desktop
from massgen.cli.modes import modes_of, prepared_again, with_mode
from massgen.cli.remote_person import RemotePerson
from massgen.cli.session import trace, write_output
from massgen.cli.signals import hear
from massgen.cli.slash import current_session
from massgen.cli.start_screen import provider_label
from massgen.cli.suggestions import earlier_questions, rehearsed_question
from massgen.errors import EXIT_CONFIG, EXIT_OK, MassGenError
from massgen.runs.conversation import Conversation
from massgen.runs.request import RunResult
from massgen.runs.run import Run
from massgen.structured_logging import configure_observability, observability_wanted
from massgen.workspace.context_paths import RequestedPath, check_context_paths, launch_directory_request
from massgen.workspace.launch_offer import added_text

LONGEST_LINE = 32 * 1024 * 1024


class Engine:
    """One session. Turns run one after the other; commands are heard at any time."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._chat: Conversation | None = None
        self._output: Asked | None = None
        self._run: Run | None = None
        self._questions: asyncio.Queue[str | None] = asyncio.Queue()
        self._person = RemotePerson(self.say)
        self._last = False
        self._flags: Mapping[str, Any] = {}
        self._context: tuple[RequestedPath, ...] = ()

    def say(self, kind: str, **data: Any) -> None:
        self._out.line(json.dumps({"say": kind, **data}, ensure_ascii=True))

    async def serve(self, commands: asyncio.StreamReader) -> int:
        """Until `quit` or the end of the commands; a running turn is cancelled and saved first."""
        start = await _next(commands)
        if start is None or not await self._start(start):
            return EXIT_CONFIG
        hear("SIGTERM", self._leave)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen(commands))
            await self._turns()
            listening.cancel()
        return EXIT_OK

    async def _start(self, command: Mapping[str, Any]) -> bool:
        question, flags = str(command.get("question", "")), command.get("flags")
        self._flags = flags if isinstance(flags, dict) else {}
        try:
            asked = await asyncio.to_thread(prepare, question, self._flags)
        except MassGenError as error:
            self.say("failed", message=str(error), exit_code=error.exit_code)
            return False
        if asked is None:
            self.say("failed", message="No configuration was found.", exit_code=EXIT_CONFIG)
            return False
        if observability_wanted(bool(self._flags.get("logfire"))):
            await asyncio.to_thread(configure_observability, True)
        self._output = asked
        self._context = asked.request.context_paths
        request = replace(asked.request, review=self._person.review, ask_human=self._person.answer, question="")
        self._chat = Conversation(request)
        config = request.loaded.require()
        self.say(
            "ready",
            agents=[
                [agent.id, agent.backend.model or "", provider_label(agent.backend.type)] for agent in config.agents
            ],
            config=str(request.loaded.path or ""),
            modes=modes_of(request),
            earlier=earlier_questions(self._chat),
            rehearsed=rehearsed_question(self._chat),
        )
        if asked.request.question.strip():
            self._questions.put_nowait(asked.request.question)
        return True

    async def _listen(self, commands: asyncio.StreamReader) -> None:
        while (command := await _next(commands)) is not None:
            if command.get("do") == "quit":
                break
            if command.get("do") == "mode":
                await self._set_mode(str(command.get("name", "")), str(command.get("value", "")))
            else:
                self._obey(command)
        self._leave()

    def _leave(self) -> None:
        if self._run is not None:
            self._run.cancel()
        while not self._questions.empty():
            self._questions.get_nowait()
        self._questions.put_nowait(None)

    def _obey(self, command: Mapping[str, Any]) -> None:
        text = str(command.get("text", ""))
        match command.get("do"):
            case "ask" if text.strip():
                self._questions.put_nowait(text)
            case "tell" if self._run is not None:
                agent = command.get("agent")
                self._run.inject(text, agent if isinstance(agent, str) else None)
            case "tell":
                self._questions.put_nowait(text)
            case "skip" if self._run is not None:
                self._run.skip(str(command.get("agent", "")))
            case "cancel" if isinstance(command.get("after"), bool) and self._run is not None:
                self._stop_after(command["after"] is True)
            case "cancel" if self._run is not None:
                self._run.cancel()
            case "forget" if self._chat is not None:
                self._chat.forget()
            case "context" if self._chat is not None:
                self._set_context(str(command.get("mode", "")))
            case "paths" if self._chat is not None:
                self._add_path(str(command.get("path", "")), str(command.get("permission", "")))
            case "session" if self._chat is not None:
                session = current_session(self._chat)
                root = str(session.root) if session is not None else ""
                self.say("session", root=root, wanted=str(command.get("wanted", "")))
            case "config" if self._chat is not None:
                self._open_config(self._chat.base.loaded.path)
            case "reply":
                self._person.reply(command)
            case _:
                return

    def _stop_after(self, wanted: bool) -> None:
        """Whether this turn is the last one of what was asked so far."""
        if self._run is not None and wanted != self._last:
            self._last = wanted
            self._run.warn(f"A person wants the session to {'stop' if wanted else 'go on'} after this turn.")

    async def _set_mode(self, name: str, value: str) -> None:
        """A toggle of the mode bar, from the next turn on (TUI-006); what does not go together is refused."""
        assert self._chat is not None
        base = self._chat.base
        try:
            flags = with_mode(self._flags, name, value, modes_of(base))
            fresh = await asyncio.to_thread(prepared_again, flags)
        except MassGenError as error:
            self.say("refused", message=str(error))
        else:
            self._flags = flags
            self._chat.base = replace(
                self._chat.base, loaded=fresh.loaded, single_agent=fresh.single_agent, quick=fresh.quick
            )
        self.say("modes", modes=modes_of(self._chat.base))

    def _set_context(self, mode: str) -> None:
        """The launch directory for the next turns: read, write or off (TUI-041)."""
        assert self._chat is not None
        launch = self._chat.base.launch
        kept = tuple(path for path in self._context if path.path != str(launch))
        added = (launch_directory_request(mode, launch),) if mode in ("read", "write") else ()
        self._chat.base = replace(self._chat.base, context_paths=(*kept, *added))

    def _add_path(self, path: str, permission: str) -> None:
        """`/context PATH [write]` (SESS-023)."""
        assert self._chat is not None
        if not path:
            known = [f"{item.path} ({item.permission})" for item in (*self._chat.base.context_paths, *self._chat.paths)]
            self.say("notice", text="\n".join(known) or "No context paths. Add one: /context PATH [write]")
            return
        wish = RequestedPath(path=path, permission="write" if permission.strip() in ("w", "write") else "read")
        try:
            (found,) = check_context_paths([wish], launch_directory=self._chat.base.launch).paths
        except MassGenError as error:
            self.say("refused", message=str(error))
            return
        self._chat.add_paths([replace(wish, path=str(found.path))])
        self.say("notice", text=added_text(found.path, found.permission))

    def _open_config(self, path: Path | None) -> None:
        if path is None:
            self.say("notice", text="There is no configuration file: this session was started with --model.")
        elif open_in_desktop(path):
            self.say("notice", text=f"Opened {path}. Changes count from the next start.")
        else:
            self.say("notice", text=f"Configuration: {path}")

    async def _turns(self) -> None:
        while (question := await self._questions.get()) is not None:
            try:
                run = self._prepared(question)
            except MassGenError as error:
                self.say("refused", message=str(error))
                continue
            self._run = run
            self.say("turn", turn=run.turn, log_dir=str(run.log_dir), question=run.request.question)
            trace(run)
            result = await run.execute()
            self._run = None
            self._told(run, result)

    def _prepared(self, question: str) -> Run:
        assert self._chat is not None
        text, named = references(question)
        return self._chat.turn(text, named)

    def _told(self, run: Run, result: RunResult) -> None:
        """The turn is over; what was said too late for it is the next question (SESS-046)."""
        output = self._output.output if self._output is not None else None
        if output is not None and result.answer and not write_output(output, result.answer):
            self.say("notice", text=f"The answer could not be written to {output}.")
        self.say(
            "ended",
            turn=result.turn,
            exit_code=result.exit_code,
            message=result.message,
            answer=result.answer,
            session=result.session_id,
        )
        late = run.unheard if result.outcome == "complete" else ()
        if self._last:
            self._drop(late)
            return
        for text in late:
            self.say("queued", text=text)
            self._questions.put_nowait(text)

    def _drop(self, late: Sequence[str]) -> None:
        """What waits is not asked; the end of the session is."""
        self._last = False
        dropped, leaving = list(late), False
        while not self._questions.empty():
            question = self._questions.get_nowait()
            leaving = leaving or question is None
            dropped += [question] if question is not None else []
        for text in dropped:
            self.say("dropped", text=text)
        if leaving:
            self._questions.put_nowait(None)


async def _next(commands: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next command; lines that are none are left out; None at the end."""
    while line := await commands.readline():
        try:
            command = json.loads(line)
        except ValueError:
            continue
        if isinstance(command, dict):
            return command
    return None


async def _main(out: Writer) -> int:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return await Engine(out).serve(reader)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(asyncio.run(_main(Writer(contract_stream()))))
