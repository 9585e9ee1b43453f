"""What an attacker would try from inside a command; each class is contained and, where it ends something, told."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.protocol import Limits
from tests.needs import needs
from tests.sandbox.place import BWRAP, PATIENCE, STRONG, Project, processes_with, run_one, said, within

ONLY_BWRAP = pytest.mark.parametrize("kind", [BWRAP])


@STRONG
def test_nothing_is_written_outside_of_the_grants(kind, project: Project) -> None:
    root = project.root
    targets = [
        root / "other" / "x", root / "peer" / "x", root / "x", root / "context" / "sub" / "kept.txt",
        Path("/etc/massgen-x"), Path("/usr/massgen-x"), Path("/massgen-x"), Path("/dev/massgen-x"),
    ]  # fmt: skip
    run_one(project.sandbox(kind), "".join(f"echo hacked > {path}; touch {path};" for path in targets))
    written = [path for path in targets if path.exists() and "hacked" in path.read_text()]
    assert written == []
    assert (root / "context" / "sub" / "kept.txt").read_text() == "kept\n"


@STRONG
def test_links_do_not_lead_out(kind, project: Project) -> None:
    root = project.root
    script = f"""
        ln -s {root}/team.yaml soft; cat soft
        ln {root}/other/note.txt hard && echo changed > hard
        ln {root}/context/sub/kept.txt hard2 && echo changed > hard2
        ln -s {root}/other other_link; echo changed > other_link/note.txt
    """
    result = run_one(project.sandbox(kind), script)
    assert project.secret not in said(result)
    assert (root / "other" / "note.txt").read_text() == "other\n"
    assert (root / "context" / "sub" / "kept.txt").read_text() == "kept\n"


@ONLY_BWRAP
def test_a_protected_file_cannot_be_moved_away_with_its_directory(kind, project: Project) -> None:
    context = project.root / "context"
    script = f"mv {context}/sub {context}/gone; rm -rf {context}/sub; mkdir -p {context}/sub; ls"
    run_one(project.sandbox(kind), script)
    assert (context / "sub" / "kept.txt").read_text() == "kept\n"


@STRONG
def test_a_denied_network_is_reached_neither_by_tcp_nor_by_udp(kind, project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        tcp.setblocking(False)
        script = (
            "import socket, sys\n"
            "for kind, port in ((1, int(sys.argv[1])), (2, int(sys.argv[2]))):\n"
            "    try:\n"
            "        s = socket.socket(socket.AF_INET, kind)\n"
            "        s.connect(('127.0.0.1', port)); s.send(b'x'); print('SENT')\n"
            "    except OSError as error: print(error)\n"
        )
        (project.workspace / "net.py").write_text(script)
        ports = f"{tcp.getsockname()[1]} {udp.getsockname()[1]}"
        result = run_one(project.sandbox(kind, network="none"), f"python net.py {ports}")
        with pytest.raises(BlockingIOError):
            tcp.accept()
        with pytest.raises(BlockingIOError):
            udp.recv(10)
    assert result.stdout.count(b"\n") == 2


@STRONG
def test_sockets_of_the_host_are_out_of_reach(kind, project: Project) -> None:
    """Such as the Docker socket, a desktop bus, an agent of keys."""
    path = project.root / "docker.sock"
    abstract = f"\0massgen-test-{os.getpid()}-{kind}"
    with socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as hidden:
        for server, address in ((named, str(path)), (hidden, abstract)):
            server.bind(address)
            server.listen()
            server.setblocking(False)
        script = (
            "import socket\n"
            f"for address in ({str(path)!r}, {abstract!r}, '/var/run/docker.sock'):\n"
            "    try: s = socket.socket(socket.AF_UNIX); s.connect(address); print('CONNECTED')\n"
            "    except OSError as error: print(error)\n"
        )
        (project.workspace / "sock.py").write_text(script)
        result = run_one(project.sandbox(kind), "python sock.py")
    assert result.stdout.count(b"\n") == 3
    assert b"CONNECTED" not in result.stdout


@STRONG
def test_the_environment_and_descriptors_of_the_parent_are_out_of_reach(kind, project: Project, monkeypatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "key-of-the-parent")
    script = f"cat /proc/[0-9]*/environ /proc/{os.getpid()}/environ | tr '\\0' '\\n'; ls /proc/self/fd | wc -l"
    script += "; for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null | grep socket; done"
    with (project.root / "team.yaml").open():
        result = run_one(project.sandbox(kind), script)
    assert b"key-of-the-parent" not in result.stdout
    assert b"socket:" not in result.stdout
    assert b"\n4\n" in b"\n" + result.stdout


@STRONG
def test_a_fork_bomb_is_contained_and_reported(kind, project: Project) -> None:
    mark = f"79{os.getpid()}1"
    bomb = f"f() {{ sleep {mark} & f & f & }}; f; sleep 60"

    async def use(sandbox: LocalSandbox) -> tuple[object, bytes]:
        result = await sandbox.run(bomb, timeout=PATIENCE)
        return result.limit, (await sandbox.run("echo alive", timeout=PATIENCE)).stdout

    limited = project.sandbox(kind, limits=Limits(processes=60))
    assert within(limited, use) == ("processes", b"alive\n")
    assert processes_with(mark) == []


@STRONG
def test_filling_the_memory_ends_the_command_and_is_reported(kind, project: Project) -> None:
    eat = "import time\nx = []\nwhile True: x.append(bytearray(4 << 20)); time.sleep(0.01)"
    (project.workspace / "eat.py").write_text(eat)
    result = run_one(project.sandbox(kind, limits=Limits(memory=100 << 20)), "python eat.py")
    assert (result.limit, result.exit_code) == ("memory", 137)


@STRONG
def test_filling_the_disk_ends_the_command_and_is_reported(kind, project: Project) -> None:
    fill = "for i in $(seq 1000); do head -c 1000000 /dev/zero > f$i; sleep 0.01; done"
    result = run_one(project.sandbox(kind, limits=Limits(disk=20 << 20)), fill)
    assert result.limit == "disk"


@STRONG
def test_one_huge_file_stops_at_the_disk_limit(kind, project: Project) -> None:
    run_one(project.sandbox(kind, limits=Limits(disk=20 << 20)), "head -c 1000000000 /dev/zero > huge")
    assert (project.workspace / "huge").stat().st_size <= 20 << 20


@STRONG
def test_a_gigabyte_of_output_ends_at_the_limit_and_is_reported(kind, project: Project) -> None:
    result = run_one(project.sandbox(kind, limits=Limits(output=4 << 20)), "head -c 1000000000 /dev/zero")
    assert result.limit == "output"
    assert len(result.stdout) == 4 << 20


@STRONG
def test_the_parent_can_be_neither_killed_nor_traced(kind, project: Project) -> None:
    script = (
        "import ctypes, os, sys\n"
        f"pid = {os.getpid()}\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print('TRACED' if libc.ptrace(16, pid, 0, 0) == 0 else 'no trace')\n"
        "for target in (pid, os.getppid()):\n"
        "    try: os.kill(target, 0) if target != pid else os.kill(pid, 18); print('REACHED', target == pid)\n"
        "    except OSError as error: print(error)\n"
    )
    (project.workspace / "trace.py").write_text(script)
    got: list[int] = []
    previous = signal.signal(signal.SIGCONT, lambda number, _: got.append(number))
    try:
        result = run_one(project.sandbox(kind), "python trace.py")
    finally:
        signal.signal(signal.SIGCONT, previous)
    assert b"TRACED" not in result.stdout
    assert b"REACHED True" not in result.stdout
    assert got == []


@STRONG
def test_killing_what_runs_the_commands_frees_nothing(kind, project: Project) -> None:
    mark = f"79{os.getpid()}2"
    attack = (
        f"setsid -f sleep {mark}; "
        "for round in 1 2 3; do for p in /proc/[0-9]*; do p=${p#/proc/}; "
        "[ $p != $$ ] && kill -9 $p 2>/dev/null; done; done"
    )

    async def use(sandbox: LocalSandbox) -> tuple[list[int], bytes]:
        await sandbox.run(attack, timeout=PATIENCE)
        after = await sandbox.run("echo alive", timeout=PATIENCE)
        return processes_with(mark), after.stdout

    assert within(project.sandbox(kind), use) == ([], b"alive\n")


@STRONG
def test_stopping_what_runs_the_commands_frees_nothing(kind, project: Project) -> None:
    mark = f"79{os.getpid()}3"
    attack = f"setsid -f sleep {mark}; kill -STOP $PPID; for p in /proc/[0-9]*; do kill -STOP ${{p#/proc/}}; done"
    run_one(project.sandbox(kind), attack + "; sleep 60", timeout=1)
    assert processes_with(mark) == []


@STRONG
@pytest.mark.parametrize(
    "attack",
    [
        "mount -t tmpfs none /mnt",
        "mount --bind /tmp /usr",
        "chroot . /bin/true",
        "unshare -Urm true",
        "unshare -m true",
        "python -c 'import ctypes; raise SystemExit(-ctypes.CDLL(None).keyctl(0, -3, 0)) '",
    ],
)
def test_privileged_calls_fail(kind, attack: str, project: Project) -> None:
    if kind == "landlock" and attack == "unshare -Urm true":
        attack = "unshare -Urm mount -t tmpfs none /mnt"
    if kind == "landlock" and attack == "unshare -m true":
        attack = "unshare -m mount -t tmpfs none /mnt"
    if kind == "landlock" and attack.startswith("chroot"):
        attack = f"chroot {project.root}/peer /bin/cat /note.txt"
    if "keyctl" in attack:
        attack = (
            "python -c 'import ctypes, os; l = ctypes.CDLL(None, use_errno=True);"
            'raise SystemExit(0 if l.syscall({"x86_64": 250}.get(os.uname().machine, 219), 0, -3, 0) >= 0 else 1)\''
        )
    assert run_one(project.sandbox(kind), attack).exit_code != 0


@STRONG
@pytest.mark.parametrize(
    "attack",
    [
        "s=cat; t=team; $s ../$t.yaml",
        "echo Y2F0IC4uL3RlYW0ueWFtbA== | base64 -d | sh",
        "sh -c 'c''at .''./team.yaml'",
        "python -c 'print(open(chr(46)*2 + \"/team.yaml\").read())'",
        "eval \"$(printf '\\143at ../team.yaml')\"",
        "cat /proc/1/root{root}/team.yaml /proc/self/root{root}/team.yaml",
        "cd ..; cd ..; find / -maxdepth 5 -name team.yaml -exec cat {} + 2>/dev/null",
    ],
)
def test_disguised_commands_reach_no_further(kind, attack: str, project: Project) -> None:
    result = run_one(project.sandbox(kind), attack.replace("{root}", str(project.root)))
    assert project.secret not in said(result)


@needs("bwrap")
def test_the_temporary_directory_of_the_host_is_not_shared(project: Project) -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp", prefix="massgen-test") as shared:
        result = run_one(project.sandbox("bubblewrap+landlock"), f"echo mine > /tmp/mine; cat {shared.name}")
    assert result.exit_code == 1
    assert not Path("/tmp/mine").exists()


@needs("bwrap")
def test_processes_of_the_host_are_not_seen(project: Project) -> None:
    result = run_one(project.sandbox("bubblewrap+landlock"), "ls -d /proc/[0-9]* | wc -l")
    assert int(result.stdout) <= 5
