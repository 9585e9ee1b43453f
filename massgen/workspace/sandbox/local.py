"""A sandbox on this machine: a warden under a launcher, and the talk with it.

Everything here runs on one event loop; the warden's socket and the outputs of commands are read by callbacks of
the loop, so that no output waits for a task.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from massgen.workspace.sandbox import cgroup
from massgen.workspace.sandbox.capture import Capture
from massgen.workspace.sandbox.confinement import Confinement, interpreter
from massgen.workspace.sandbox.home import prepare
from massgen.workspace.sandbox.piped import PipedCommand, Pipes
from massgen.workspace.sandbox.process import LocalProcess
from massgen.workspace.sandbox.protocol import (
    CommandResult,
    Limit,
    Limits,
    SandboxFailed,
    SandboxKind,
    Sink,
)
from massgen.workspace.sandbox.watchdog import Watchdog

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_END_SECONDS = 10.0
_MAX_COMMAND = 120_000
_CHUNK = 1 << 16
_BOOT = "import sys; sys.path.insert(0, {path!r}); from inside import warden; warden.main({descriptor})"


class LocalSandbox:
    """Commands below one warden. Restarts the warden when it has ended, with the same HOME.

    `pace` stretches the looks of the watchdog, for what runs long; with 0 nothing is watched.
    """

    def __init__(self, confinement: Confinement, limits: Limits, *, pace: float = 1.0) -> None:
        self._confinement = confinement
        self._limits = limits
        self._pace = pace
        self._control: socket.socket | None = None
        self._launcher: asyncio.subprocess.Process | None = None
        self._processes: dict[int, LocalProcess] = {}
        self._numbers = 0
        self._received = b""
        self._sending = asyncio.Lock()
        self._starting = asyncio.Lock()
        self._watchdog = Watchdog(limits, self._over, pace=pace)
        self._group: cgroup.ControlGroup | None = None

    @property
    def kind(self) -> SandboxKind:
        return self._confinement.kind

    @property
    def pid(self) -> int | None:
        """The launcher's process id, None when the sandbox is not running."""
        return self._launcher.pid if self._launcher and self._control else None

    async def start(self) -> None:
        async with self._starting:
            if self._control is None:
                await self._start()

    async def _start(self) -> None:
        await self._gone()
        if self._confinement.private is not None:
            prepare(self._confinement.private)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        boot = _BOOT.format(path=str(Path(__file__).parent), descriptor=theirs.fileno())
        group = cgroup.make(self._limits) if self._confinement.private is not None else None
        self._group = group
        joining = group.launcher() if group else []
        command = [*joining, *self._confinement.launcher, interpreter(), "-I", "-S", "-B", "-c", boot]
        try:
            self._launcher = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={},
            )
            theirs.close()
            async with asyncio.timeout(_START_SECONDS):
                await self._send(ours, self._settings(group))
                answer = await self._first_message(ours)
        except (OSError, TimeoutError) as error:
            ours.close()
            theirs.close()
            raise SandboxFailed(f"The sandbox ({self.kind}) did not start: {await self._complaint(error)}") from None
        except BaseException:
            ours.close()
            theirs.close()
            raise
        if "error" in answer:
            ours.close()
            raise SandboxFailed(f"The sandbox ({self.kind}) did not start: {answer['error']}")
        self._control = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._receive)
        roots = [place for place in (self._confinement.private, self._confinement.start_directory) if place]
        if group is not None and not group.holds(self._launcher.pid):
            log.warning("The control group was not joined; limits of commands are watched only.")
        if self._pace:
            self._watchdog.start(self._launcher.pid, roots if self._confinement.private else [], group)

    def _settings(self, group: cgroup.ControlGroup | None) -> dict[str, Any]:
        """The warden's settings. Without a control group one process may take twice the memory at most, in the time
        until the watchdog looks."""
        settings = dict(self._confinement.settings)
        if group is None and self._confinement.private is not None:
            settings["limits"] = {**settings["limits"], "RLIMIT_DATA": 2 * self._limits.memory}
        return settings

    async def _complaint(self, error: BaseException) -> str:
        """What the launcher wrote before it ended, else the error itself."""
        if self._launcher and self._launcher.stderr:
            with contextlib.suppress(ProcessLookupError):
                self._launcher.kill()
            text = (await self._launcher.stderr.read()).decode(errors="replace").strip()
            await self._launcher.wait()
            if text:
                return text.splitlines()[-1][:500]
        return str(error) or "no answer"

    async def _first_message(self, control: socket.socket) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack("<I", data[:4])[0]:
            piece = await loop.sock_recv(control, _CHUNK)
            if not piece:
                raise ConnectionError("it ended at once")
            data += piece
        return json.loads(data[4:])

    async def _send(self, control: socket.socket, message: dict[str, Any], *descriptors: int) -> None:
        data = json.dumps(message).encode()
        data = struct.pack("<I", len(data)) + data
        loop = asyncio.get_running_loop()
        async with self._sending:
            if descriptors:
                while True:
                    try:
                        sent = socket.send_fds(control, [data[:4]], list(descriptors))
                        break
                    except BlockingIOError:
                        await asyncio.sleep(0.005)
                data = data[sent:]
            await loop.sock_sendall(control, data)

    def _receive(self) -> None:
        control = self._control
        if control is None:
            return
        try:
            piece = control.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._lost()
            return
        self._received += piece
        while len(self._received) >= 4:
            size = struct.unpack("<I", self._received[:4])[0]
            if len(self._received) < 4 + size:
                break
            message = json.loads(self._received[4 : 4 + size])
            self._received = self._received[4 + size :]
            self._ended(int(message["exit"]), int(message["code"]))

    def _ended(self, number: int, code: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None:
            process.limit = process.limit or (self._watchdog.hit() if code else None)
            process.finish(code)
        if not self._processes:
            self._watchdog.rest()

    def _lost(self) -> None:
        """The warden has gone: its commands have ended with it; the next command starts a new one."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None
        self._received = b""
        self._watchdog.stop()
        for process in tuple(self._processes.values()):
            process.abandon()
            self._ended(process.number, 137)

    def _over(self, limit: Limit) -> None:
        """The watchdog found a limit exceeded: end all commands of the sandbox at once."""
        for process in self._processes.values():
            process.limit = process.limit or limit
        self._end_all()

    def _end_all(self) -> None:
        """Hang up: the warden, or its guardian, ends everything and goes; `_lost` follows."""
        if self._launcher is not None and self._control is not None:
            with contextlib.suppress(ProcessLookupError, OSError):
                self._control.shutdown(socket.SHUT_WR)

    async def signal(self, number: int, signal_number: int) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                await self._send(self._control, {"signal": number, "number": signal_number})

    async def spawn(
        self, command: str, sink: Sink, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> LocalProcess:
        process = await self._registered(command, sink)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        process.listen({out_read: "stdout", err_read: "stderr"})
        await self._launch(process, {"command": command}, (out_write, err_write), cwd, env)
        return process

    async def open(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limit: int = _CHUNK,
    ) -> PipedCommand:
        """Start a program that is talked to; `limit` bounds a line of its outputs. Raises `SandboxFailed`."""
        theirs, pipes = await Pipes.make(limit)
        try:
            process = await self._registered("\n".join(argv), lambda *_: None)
        except BaseException:
            pipes.close()
            for descriptor in theirs:
                os.close(descriptor)
            raise
        process.listen({})
        try:
            await self._launch(process, {"argv": list(argv)}, theirs, cwd, env)
        except BaseException:
            self._processes.pop(process.number, None)
            pipes.close()
            raise
        return PipedCommand(process, pipes)

    async def _registered(self, command: str, sink: Sink) -> LocalProcess:
        """A process of the running warden, known before it starts."""
        if len(command.encode()) > _MAX_COMMAND or "\0" in command:
            raise SandboxFailed("The command is too long or holds a NUL; write it to a file and run that.")
        await self.start()
        if self._control is None:
            raise SandboxFailed(f"The sandbox ({self.kind}) has ended.")
        self._numbers += 1
        process = LocalProcess(self._numbers, sink, self.signal, self._end_all)
        self._processes[process.number] = process
        return process

    async def _launch(
        self,
        process: LocalProcess,
        program: Mapping[str, Any],
        descriptors: Sequence[int],
        cwd: Path | None,
        env: Mapping[str, str] | None,
    ) -> None:
        """Hand the command and its descriptors to the warden; they are closed here."""
        message = {
            "run": process.number,
            **program,
            "cwd": str(cwd or self._confinement.start_directory),
            "env": dict(env or {}),
        }
        try:
            if self._control is None:
                raise SandboxFailed(f"The sandbox ({self.kind}) has ended.")
            await self._send(self._control, message, *descriptors)
        except OSError:
            self._lost()
            raise SandboxFailed(f"The sandbox ({self.kind}) has ended.") from None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._watchdog.wake()

    async def run(
        self, command: str, *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> CommandResult:
        started = time.monotonic()
        capture = Capture(self._limits.output)
        process = await self.spawn(command, capture.write, cwd=cwd, env=env)
        try:
            code = await capture.watch(process, timeout)
        except BaseException:
            await asyncio.shield(process.end(grace=0))
            await asyncio.shield(process.wait())
            raise
        return CommandResult(
            exit_code=code,
            stdout=capture.text("stdout"),
            stderr=capture.text("stderr"),
            seconds=time.monotonic() - started,
            limit=process.limit,
        )

    async def close(self) -> None:
        """End everything that runs here and wait until it has ended."""
        self._watchdog.stop()
        self._end_all()
        await self._gone()
        self._lost()

    async def _gone(self) -> None:
        """Wait until the last launcher has ended, and with it all that ran below it."""
        launcher, self._launcher = self._launcher, None
        if launcher is None:
            return
        try:
            async with asyncio.timeout(_END_SECONDS):
                await launcher.wait()
        except TimeoutError:
            launcher.kill()
            await launcher.wait()
        if self._group is not None:
            self._group.remove()
