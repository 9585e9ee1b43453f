"""The first process of a sandbox: starts commands on request, ends their whole trees, and ends with its client.

Started by `local.py` with one socket; needs the standard library only. Messages are a 4-byte length and JSON. In:
the settings, then `{"run", "command", "cwd", "env"}` with the descriptors of stdout and stderr, or for a program that
is talked to `argv` instead of `command` and stdin as a third; `{"signal": id, "number": n}`. Out: `{"ready"}` or
`{"error"}`, then `{"exit": id, "code": n}`.

Each command has a shepherd: a child of the warden that adopts the command's orphans, so that a double fork or
`setsid` does not leave its tree. Where the warden is no init of a process namespace, a guardian outside of the
restrictions watches over the warden itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import struct
import sys
import time

from .landlock import drop_capabilities, forbid, restrict

_SUBREAPER, _DUMPABLE = 36, 4
_PATIENCE = 3.0


def main(descriptor: int) -> None:
    """Serve the client at the other end of `descriptor` until it goes."""
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    settings, _ = receive(control)
    if settings is None:
        return
    if settings["guardian"]:
        guard(control)
    try:
        confine(settings)
    except OSError as error:
        send(control, {"error": str(error)})
        return
    send(control, {"ready": True})
    Warden(control, settings["shell"], settings["env"]).serve()


def guard(control: socket.socket) -> None:
    """Fork: the child goes on as the warden, the parent stays and ends everything when child or client end."""
    process_control(_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        return
    poller = select.poll()
    poller.register(control, getattr(select, "POLLRDHUP", 0))
    handle = os.pidfd_open(child) if hasattr(os, "pidfd_open") else -1
    if handle >= 0:
        poller.register(handle, select.POLLIN)
    poller.poll()
    end_tree(os.getpid())
    os._exit(0)


def confine(settings: dict) -> None:
    """Apply limits and rules to this process and all that it starts."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, value in settings["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (wanted, wanted))
    if settings["processes"] is not None and os.getuid() != 0:
        most = settings["processes"] * 5 // 4 + 16  # room for the watchdog to see that the limit is exceeded
        ours = most + processes_of_user()
        resource.setrlimit(resource.RLIMIT_NPROC, (ours, ours))
    rules = settings["landlock"]
    if rules is not None:
        restrict(rules["read"], rules["write"], rules.get("list", []), tcp=rules["tcp"])
    if settings["forbid"] is not None:
        forbid(settings["forbid"])
        drop_capabilities()
    process_control(_DUMPABLE, 0)


class Warden:
    """The loop: requests from the client, exits of children."""

    def __init__(self, control: socket.socket, shell: str, env: dict[str, str]) -> None:
        self.control = control
        self.shell = shell
        self.env = env
        self.shepherds: dict[int, int] = {}
        self.wake, write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def serve(self) -> None:
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            for ready, _ in poller.poll():
                if ready == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 4096)
                    self.reap()
                elif not self.request():
                    if os.getpid() != 1:
                        end_tree(os.getpid())
                    os._exit(0)

    def request(self) -> bool:
        message, descriptors = receive(self.control)
        if message is None:
            return False
        if "run" in message:
            self.start(message, descriptors)
        elif (shepherd := self.shepherd_of(message["signal"])) is not None:
            signal_tree(shepherd, message["number"])
        return True

    def shepherd_of(self, number: int) -> int | None:
        return next((pid for pid, owner in self.shepherds.items() if owner == number), None)

    def start(self, message: dict, descriptors: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 126
            try:
                code = shepherd(self.shell, message, self.env | message["env"], descriptors)
            finally:
                os._exit(code)
        self.shepherds[pid] = message["run"]
        for descriptor in descriptors:
            os.close(descriptor)

    def reap(self) -> None:
        strays = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                strays = True
                break
            number = self.shepherds.pop(pid, None)
            if number is not None:
                if os.WIFSIGNALED(status):
                    self.end_strays()
                send(self.control, {"exit": number, "code": exit_code(status)})
        if strays:
            self.end_strays()

    def end_strays(self) -> None:
        """End what a dead shepherd left: children of the warden that are no shepherds."""
        for pid in children_of(os.getpid()):
            if pid not in self.shepherds:
                signal_tree(pid, signal.SIGKILL)
                kill(pid, signal.SIGKILL)


def shepherd(shell: str, message: dict, env: dict[str, str], descriptors: list[int]) -> int:
    """Run one command, wait for it, end what it left, and return its exit code as a shell would."""
    process_control(_SUBREAPER, 1)
    child = spawn(shell, message, env, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    if child < 0:
        return -child
    status = 0
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return 137
        if pid == child:
            break
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(-1, os.WNOHANG)[0] == 0 or children_of(os.getpid()):
            end_tree(os.getpid())
    return exit_code(status)


def spawn(shell: str, message: dict, env: dict[str, str], descriptors: list[int]) -> int:
    """Start the shell: a session of its own, no input unless one is given, the given outputs, nothing else open
    (all other descriptors close on exec). Returns its process id, or the negative exit code of a failed start."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    try:
        os.chdir(message["cwd"])
        argv = message.get("argv") or [shell, "-c", message["command"]]
        return os.posix_spawn(
            found(argv[0], env.get("PATH", os.defpath)),
            argv,
            env,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, descriptors[2], 0) if len(descriptors) > 2 else nothing,
                (os.POSIX_SPAWN_DUP2, descriptors[0], 1),
                (os.POSIX_SPAWN_DUP2, descriptors[1], 2),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGCHLD],
        )
    except OSError as error:
        os.write(descriptors[1], f"{error.filename or shell}: {error.strerror}\n".encode())
        return -126 if isinstance(error, PermissionError) else -127


def found(program: str, search_path: str) -> str:
    """The path of `program`, as a shell would look for it; itself where there is none."""
    if os.sep in program:
        return program
    paths = (os.path.join(directory, program) for directory in search_path.split(os.pathsep) if directory)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), program)


def exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def parents() -> dict[int, int]:
    """Process id -> parent's id, of all processes that can be seen and have not ended."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    found[int(name)] = int(parent)
    return found


def processes_of_user() -> int:
    """How many processes this user has already: the system counts them all (it exempts root)."""
    count = 0
    for pid in parents():
        with contextlib.suppress(OSError):
            count += os.stat(f"/proc/{pid}").st_uid == os.getuid()
    return count


def children_of(root: int) -> list[int]:
    return [pid for pid, parent in parents().items() if parent == root]


def descendants(root: int) -> list[int]:
    table = parents()
    found, layer = [], {root}
    while layer:
        layer = {pid for pid, parent in table.items() if parent in layer and pid != root} - set(found)
        found += sorted(layer)
    return found


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def signal_tree(root: int, number: int) -> None:
    """Send `number` to all below `root`, not to `root`; a forced end is repeated until nobody is left."""
    await_child(root)
    if number != signal.SIGKILL:
        for pid in descendants(root):
            kill(pid, number)
        return
    limit = time.monotonic() + _PATIENCE
    while (left := descendants(root)) and time.monotonic() < limit:
        for pid in left:
            kill(pid, signal.SIGSTOP)
        for pid in descendants(root):
            kill(pid, signal.SIGKILL)
        kill(root, signal.SIGCONT)
        if root != os.getpid():
            time.sleep(0.002)
        else:
            collect()


def await_child(root: int) -> None:
    """A shepherd that has just been made has no child yet: give it the time to fork."""
    limit = time.monotonic() + 1
    while root != os.getpid() and time.monotonic() < limit:
        table = parents()
        if root not in table or root in table.values():
            return
        time.sleep(0.001)


def end_tree(root: int) -> None:
    signal_tree(root, signal.SIGKILL)
    collect()


def collect() -> None:
    """Reap children that have ended; wait a moment for those that are about to."""
    limit = time.monotonic() + 0.05
    while time.monotonic() < limit:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
        except ChildProcessError:
            return


def process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def receive(control: socket.socket) -> tuple[dict | None, list[int]]:
    """The next message and its descriptors; None when the client has gone."""
    descriptors: list[int] = []
    data = b""
    wanted = 4
    while len(data) < wanted:
        try:
            piece, new, _, _ = socket.recv_fds(control, min(wanted - len(data), 1 << 16), 4)
        except OSError:
            return None, descriptors
        descriptors += new
        for descriptor in new:
            os.set_inheritable(descriptor, False)
        if not piece:
            return None, descriptors
        data += piece
        if len(data) == 4 and wanted == 4:
            wanted += struct.unpack("<I", data)[0]
    return json.loads(data[4:]), descriptors


def send(control: socket.socket, message: dict) -> None:
    data = json.dumps(message).encode()
    with contextlib.suppress(OSError):
        control.sendall(struct.pack("<I", len(data)) + data)
