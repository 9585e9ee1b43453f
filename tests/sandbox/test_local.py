"""Commands in the sandboxes of this machine: what a run needs to work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.confinement import unconfined
from massgen.workspace.sandbox.environment import command_environment
from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.protocol import Limits, SandboxFailed
from tests.needs import needs
from tests.sandbox.place import BWRAP, EVERY, PATIENCE, STRONG, Project, processes_with, run_all, run_one, said, within

ROOT = Path(__file__).parents[2]


@EVERY
@pytest.mark.spec("EXEC-003", "EXEC-004")
def test_a_command_starts_in_the_workspace_and_tells_its_exit_code_and_both_streams(kind, project: Project) -> None:
    result = run_one(project.sandbox(kind), "pwd; echo oops >&2; exit 3")
    assert (result.exit_code, result.stdout.decode(), result.stderr) == (3, f"{project.workspace}\n", b"oops\n")


@EVERY
@pytest.mark.spec("EXEC-006")
def test_installed_packages_and_files_last_to_the_next_command_and_the_next_phase(kind, project: Project) -> None:
    install = "d=$(python -c 'import site; print(site.getsitepackages()[0])'); echo 'answer = 42' > $d/mine.py"
    run_all(project.sandbox(kind), install, "echo x > ~/kept; echo y > $TMPDIR/also")
    result = run_one(project.sandbox(kind), "python -c 'import mine; print(mine.answer)'; cat ~/kept $TMPDIR/also")
    assert result.stdout.decode().split() == ["42", "x", "y"]


@STRONG
@pytest.mark.spec("AUTO-084")
def test_the_program_itself_can_be_run_and_its_place_not_be_read(kind, project: Project) -> None:
    code = "from massgen.errors import MassGenError; print(MassGenError.__name__)"
    result = run_one(project.sandbox(kind), f"{sys.executable} -c '{code}'; cat {ROOT}/README.md")
    assert result.stdout == b"MassGenError\n", result.stderr


@pytest.mark.parametrize("kind", [BWRAP])
@pytest.mark.spec("EXEC-006")
def test_pip_installs_into_the_private_environment(kind, project: Project) -> None:
    package = project.workspace / "package"
    package.mkdir()
    (package / "tiny_module.py").write_text("answer = 7\n")
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "backend"\n'
        '[project]\nname = "tiny-module"\nversion = "1"\n'
    )
    (package / "backend.py").write_text(
        "import zipfile\n"
        "def build_wheel(directory, settings=None, metadata=None):\n"
        "    name = 'tiny_module-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(f'{directory}/{name}', 'w') as wheel:\n"
        "        wheel.write('tiny_module.py')\n"
        "        info = 'tiny_module-1.dist-info/'\n"
        "        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tiny-module\\nVersion: 1\\n')\n"
        "        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        wheel.writestr(info + 'RECORD', '')\n"
        "    return name\n"
    )
    install = "pip install -q --no-index --no-build-isolation ./package"
    done = run_all(project.sandbox(kind), install, "python -c 'import tiny_module as t; print(t.answer)'")
    assert done[1].stdout == b"7\n", said(done[0])


@EVERY
@pytest.mark.spec("EXEC-005")
def test_a_command_over_its_time_ends_with_its_whole_tree_and_says_so(kind, project: Project) -> None:
    mark = f"78{os.getpid()}1"
    result = run_one(project.sandbox(kind), f"(setsid sleep {mark} &) ; sleep {mark} & sleep {mark}", timeout=0.5)
    assert (result.limit, result.exit_code) == ("time", 137)
    assert processes_with(mark) == []


@EVERY
@pytest.mark.spec("EXEC-005")
def test_what_a_command_leaves_behind_ends_with_it(kind, project: Project) -> None:
    mark = f"78{os.getpid()}2"

    async def use(sandbox: LocalSandbox) -> list[int]:
        await sandbox.run(f"setsid -f sleep {mark}; nohup sleep {mark} & (sleep {mark} & ) &", timeout=PATIENCE)
        return processes_with(mark)

    assert within(project.sandbox(kind), use) == []


@EVERY
@pytest.mark.spec("EXEC-079")
def test_everything_ends_when_the_program_is_killed(kind, project: Project) -> None:
    mark = f"78{os.getpid()}3"
    script = f"""
import asyncio
from pathlib import Path
from tests.sandbox.place import Project
async def main():
    project = Project.__new__(Project)
    project.root, project.warnings, project.secret = Path({str(project.root)!r}), [], ""
    sandbox = project.sandbox({kind!r})
    await sandbox.spawn("setsid -f sleep {mark}; sleep {mark}", lambda *_: None)
    await sandbox.run("true", timeout=120)
    print("started", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "started\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    limit = time.monotonic() + PATIENCE
    while processes_with(mark) and time.monotonic() < limit:
        time.sleep(0.01)
    assert processes_with(mark) == []


@EVERY
def test_background_processes_and_commands_reach_each_other(kind, project: Project) -> None:
    serve = "python -m http.server 0 --bind 127.0.0.1 --directory . 2>&1 | grep --line-buffered -o 'port [0-9]*'"
    fetch = (
        'python -c "import sys, urllib.request as u;'
        "print(u.urlopen('http://127.0.0.1:' + sys.argv[1] + '/note.txt').read().decode())\" "
    )

    async def use(sandbox: LocalSandbox) -> str:
        first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        unbuffered = {"PYTHONUNBUFFERED": "1"}
        await sandbox.spawn(serve, lambda _, data: first.done() or first.set_result(data), env=unbuffered)
        port = (await first).decode().split()[1]
        return said(await sandbox.run(fetch + port, timeout=PATIENCE))

    assert within(project.sandbox(kind), use) == "ws\n\n"


@EVERY
def test_cancelling_a_command_ends_its_tree_and_leaves_the_sandbox_usable(kind, project: Project) -> None:
    mark = f"78{os.getpid()}4"

    async def use(sandbox: LocalSandbox) -> tuple[list[int], bytes]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await sandbox.run(f"setsid -f sleep {mark}; sleep {mark}", timeout=PATIENCE)
        return processes_with(mark), (await sandbox.run("echo on", timeout=PATIENCE)).stdout

    assert within(project.sandbox(kind), use) == ([], b"on\n")


@EVERY
@pytest.mark.spec("EXEC-007")
def test_commands_see_the_environment_without_secrets_unless_named(kind, project: Project, monkeypatch) -> None:
    monkeypatch.setenv("PLAIN_SETTING", "plain")
    monkeypatch.setenv("SOME_API_KEY", "hidden-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "hidden-2")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:hidden-3@host/db")
    monkeypatch.setenv("FROM_DOTENV", "hidden-4")
    monkeypatch.setenv("WANTED_TOKEN", "wanted")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/hidden-5")
    sandbox = project.sandbox(kind, passthrough=("WANTED_TOKEN",), dotenv_names=("FROM_DOTENV",))
    output = said(run_one(sandbox, "env; cat /proc/self/environ | tr '\\0' '\\n'"))
    assert "PLAIN_SETTING=plain" in output
    assert "WANTED_TOKEN=wanted" in output
    assert "hidden" not in output


@STRONG
def test_a_peer_workspace_the_team_file_and_keys_cannot_be_read(kind, project: Project) -> None:
    root = project.root
    paths = f"{root}/peer/note.txt {root}/home/note.txt {root}/team.yaml {root}/context/.env /etc/shadow"
    result = run_one(project.sandbox(kind), f"for f in {paths}; do cat $f && echo GOT $f; done")
    assert "GOT" not in said(result)
    assert project.secret not in said(result)


@STRONG
def test_granted_paths_are_readable_and_writable_as_granted(kind, project: Project) -> None:
    root = project.root
    script = f"cat {root}/other/note.txt {root}/context/sub/kept.txt && echo new > {root}/context/sub/new.txt"
    result = run_one(project.sandbox(kind), script + f" && cd {root}/ws && mkdir -p a/b && mv note.txt a/b/")
    if kind == "landlock":
        assert result.exit_code != 0, "beside a protected file Landlock cannot allow new files"
    else:
        assert (result.exit_code, result.stdout) == (0, b"other\nkept\n")
        assert (root / "context" / "sub" / "new.txt").read_text() == "new\n"


@STRONG
def test_a_grant_inside_a_denied_tree_is_reached_and_its_neighbours_are_not(kind, project: Project) -> None:
    state = project.root / "context" / ".massgen"
    for name in ("mine", "theirs"):
        (state / name).mkdir(parents=True)
        (state / name / "note.txt").write_text(name)
    context = project.root / "context"
    grants = Grants(writable=(state / "mine",), readable=(context,), denied=(state,))
    sandbox = choose_sandbox(
        LocalSettings(allowed_kinds=(kind,)),
        grants,
        private=project.root / "private",
        workspace=state / "mine",
        warn=project.warnings.append,
    )
    script = f"cat note.txt; echo x > new; cat {context}/note.txt; cat {state}/theirs/note.txt; touch {state}/x"
    result = run_one(sandbox, script)
    assert result.stdout == b"minecontext\n"
    assert (state / "mine" / "new").exists()
    assert not (state / "x").exists()


@pytest.mark.spec("EXEC-026")
def test_a_run_without_any_sandbox_says_so_once_and_goes_on(project: Project) -> None:
    result = run_one(project.sandbox("none"), "echo on")
    assert result.stdout == b"on\n"
    assert len(project.warnings) == 1
    assert "without a sandbox" in project.warnings[0]


@needs("bwrap")
def test_a_sandbox_inside_a_sandbox_falls_back_without_a_warning(project: Project) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path\n"
        "from massgen.workspace.grants import Grants\n"
        "from massgen.workspace.sandbox.choice import *\n"
        "async def main():\n"
        "    here = Path.cwd()\n"
        "    s = choose_sandbox(LocalSettings(), Grants(writable=(here,)), private=here / 'p', workspace=here,\n"
        "                       warn=lambda text: print('WARNED', text))\n"
        "    print(s.kind, (await s.run('echo inner; cat ../ws/outer', timeout=60)).stdout)\n"
        "    await s.close()\n"
        "asyncio.run(main())\n"
    )
    (project.workspace / "nested.py").write_text(script)
    (project.workspace / "outer").write_text("outer\n")
    python = sys.executable
    result = run_one(project.sandbox("bubblewrap+landlock"), f"{python} nested.py", timeout=PATIENCE)
    assert said(result) == "landlock b'inner\\nouter\\n'\n"


def test_a_sandbox_that_does_not_start_says_why(project: Project) -> None:
    plain = unconfined({}, project.workspace, None)
    refused = replace(plain, kind="bubblewrap", launcher=("/bin/sh", "-c", "echo no permission >&2; exit 1", "x"))
    broken = LocalSandbox(refused, Limits())
    with pytest.raises(SandboxFailed, match=r"bubblewrap.*no permission"):
        run_one(broken, "true")


@pytest.mark.spec("EXEC-007")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASS", "hunter2"),
        ("MYSQL_PWD", "hunter2"),
        ("npm_config__auth", "abc"),
        ("HTTP_AUTHORIZATION", "Basic abc"),
        ("SESSION_COOKIE", "abc"),
        ("SENTRY_DSN", "https://abc@host/1"),
        ("AZURE_CONNECTION_STRING", "AccountName=a"),
        ("PLAIN", "ghp_" + "a" * 36),
        ("PLAIN", "Bearer " + "a" * 30),
        ("PLAIN", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_secrets_are_known_by_name_or_by_the_form_of_their_value(name: str, value: str) -> None:
    assert command_environment({name: value, "PATH": "/bin", "GIT_AUTHOR_NAME": "me", "MONKEY_BUSINESS": "1"}) == {
        "PATH": "/bin",
        "GIT_AUTHOR_NAME": "me",
        "MONKEY_BUSINESS": "1",
    }
    assert command_environment({name: value}, passthrough=[name]) == {name: value}
