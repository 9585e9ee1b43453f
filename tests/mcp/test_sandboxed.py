"""Local servers in their agent's sandbox, and the certain end of those beside it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import Call
from massgen.tools.mcp import McpServerSettings
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.program_place import ProgramPlace
from massgen.workspace.sandbox.protocol import SandboxKind
from tests.custom_tools.test_in_a_run import finished, uses_then_answers
from tests.mcp.scene import SERVERS, Scene, agent_with, until
from tests.needs import needs
from tests.sandbox.place import STRONG

SECRET = "tok-of-somebody-else"
SHOW = "print(open({!r}).read())"
WRITE = "open({!r}, 'w').write('x'); print('written')"
ENVIRONMENTS = """
import glob, os
texts = [str(dict(os.environ))]
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        texts.append(open(path, "rb").read().decode(errors="replace"))
    except OSError:
        pass
print("\\n".join(texts))
"""


def prober(name: str = "p", *args: str, **more: object) -> dict[str, object]:
    """An entry for the server that tries what it is told; it needs nothing but the interpreter."""
    entry = {"name": name, "command": sys.executable, "args": ["-S", str(SERVERS / "prober.py"), *args]}
    return {"sandbox": True, **entry, **more}


@dataclass(slots=True)
class Home:
    """An agent's workspace, what lies beside it, and the places of its servers."""

    root: Path
    kind: SandboxKind
    final: bool = False
    made: list[ProgramPlace] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("ws", "context", "other"):
            (self.root / name).mkdir()
            (self.root / name / "note.txt").write_text(f"in {name}")

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings(allowed_kinds=(self.kind,))

    def policy(self) -> AgentPathPolicy:
        workspace, context = self.root / "ws", self.root / "context"
        readable = () if self.final else (context,)
        grants = Grants(writable=(workspace, context) if self.final else (workspace,), readable=readable)
        return AgentPathPolicy(workspace=workspace, grants=grants)

    def place(self, server: McpServerSettings) -> ProgramPlace:
        self.made.append(ProgramPlace(self.policy, self.settings, self.root / f"private-{server.name}"))
        return self.made[-1]


@pytest.fixture
def home(kind: SandboxKind, tmp_path: Path) -> Home:
    return Home(tmp_path.resolve(), kind)


async def probed(scene: Scene, code: str, server: str = "p") -> str:
    return (await scene.call(f"mcp__{server}__probe", {"code": code})).text


@STRONG
def test_a_server_sees_what_its_agents_commands_may_see_and_nothing_else(home: Home) -> None:
    def at(name: str) -> str:
        return str(home.root / name)

    async def run() -> None:
        async with agent_with(prober(), cwd=home.root / "ws", place=home.place) as scene:
            assert await probed(scene, SHOW.format("note.txt")) == "in ws"
            assert await probed(scene, SHOW.format(at("context/note.txt"))) == "in context"
            assert await probed(scene, WRITE.format(at("ws/made.txt"))) == "written"
            outside = await probed(scene, SHOW.format(at("other/note.txt")))
            assert outside in ("FileNotFoundError", "PermissionError")
            assert await probed(scene, WRITE.format(at("context/note.txt"))) in ("PermissionError", "OSError")
            for path in ("other/note.txt", "other/new.txt", "new.txt"):
                await probed(scene, WRITE.format(at(path)))  # its /tmp is its own: what it writes there stays there
            (report,) = scene.servers.reports()
            assert (report.sandbox, report.chosen) == (home.kind, True)

    asyncio.run(run())
    assert (home.root / "ws" / "made.txt").read_text() == "x"
    assert (home.root / "context" / "note.txt").read_text() == "in context"
    assert (home.root / "other" / "note.txt").read_text() == "in other"
    assert not (home.root / "other" / "new.txt").exists()
    assert not (home.root / "new.txt").exists()


@STRONG
def test_no_environment_but_its_own_can_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}-1")
    entries = [prober("p", env={"MODE": "own"}), prober("q", env={"Q_TOKEN": f"{SECRET}-2"})]

    async def run() -> None:
        async with agent_with(*entries, cwd=home.root / "ws", place=home.place) as scene:
            seen = await probed(scene, ENVIRONMENTS)
            assert "own" in seen
            assert SECRET not in seen
            mine = json.loads(await probed(scene, "import json, os; print(json.dumps(dict(os.environ)))"))
            assert mine["HOME"] != os.environ["HOME"]
            # What the agent itself runs sees the servers' variables as little.
            commands = choose_sandbox(
                home.settings,
                home.policy().grants,
                private=home.root / "private",
                workspace=home.root / "ws",
                warn=scene.warnings.append,
            )
            found = await commands.run("cat /proc/[0-9]*/environ", timeout=120)
            await commands.close()
            assert b"MODE=own" not in found.stdout
            assert SECRET.encode() not in found.stdout

    asyncio.run(run())


@STRONG
def test_a_server_starts_anew_when_the_agent_may_touch_something_else(home: Home) -> None:
    context = str(home.root / "context" / "note.txt")

    async def run() -> None:
        async with agent_with(prober(), cwd=home.root / "ws", place=home.place) as scene:
            assert await probed(scene, WRITE.format(context)) in ("PermissionError", "OSError")
            before = await probed(scene, "import os; os.environ['KEPT'] = 'yes'; print('ok')")
            scene.servers.renew()  # nothing has changed
            assert (before, await probed(scene, "import os; print(os.environ['KEPT'])")) == ("ok", "yes")
            home.final = True
            scene.servers.renew()
            assert await probed(scene, WRITE.format(context)) == "written"
            assert await probed(scene, "import os; print(os.environ['KEPT'])") == "KeyError"
            assert not any("lost" in line for line in scene.warnings)

    asyncio.run(run())


def test_a_server_that_is_to_have_a_sandbox_does_not_run_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MASSGEN_SANDBOX", raising=False)
    home = Home(tmp_path.resolve(), "none")

    async def run() -> None:
        async with agent_with(prober(), cwd=home.root / "ws", place=home.place) as scene:
            assert await scene.tools() == {}
            assert "sandbox: false" in await scene.warned("There is no sandbox to run it in")

    asyncio.run(run())


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.mcp.scene import agent_with
from tests.mcp.test_sandboxed import Home, prober

async def run():
    home = Home(Path(sys.argv[1]), sys.argv[2])
    entry = prober("p", "--stubborn", sys.argv[1], sandbox=sys.argv[2] != "none")
    async with agent_with(entry, cwd=home.root / "ws", place=home.place) as scene:
        await scene.servers.tools()
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(run())
"""


@pytest.mark.spec("MCP-005")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a server ends when its input does")
@pytest.mark.parametrize("kind", [*STRONG.args[1], "none"])
def test_a_stubborn_server_ends_also_when_this_program_is_killed(kind: str, tmp_path: Path) -> None:
    mark = str(tmp_path.resolve())
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, mark, kind], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        assert len(_with(mark)) >= 2
        program.send_signal(signal.SIGKILL)
        program.wait(timeout=250)

    async def gone() -> bool:
        return not _with(mark)

    asyncio.run(until(gone))


def _with(mark: str) -> list[str]:
    """The processes whose command line holds `mark`; zombies have none."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            line = (directory / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if mark in line and directory.name != str(os.getpid()):
            found.append(line)
    return found


@needs("bwrap")
def test_in_a_run_the_servers_sandbox_is_made_of_the_agents_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("not for agents")
    codes = [SHOW.format(str(outside)), "import os; print(os.environ['MASSGEN_SANDBOX']); open('made', 'w')"]
    calls = [Call(name="mcp__p__probe", arguments=json.dumps({"code": code})) for code in codes]
    backend: dict[str, Any] = {"type": "openai", "model": "model", "cwd": "workspace", "mcp_servers": [prober()]}
    result, _ = finished(tmp_path, {"model": uses_then_answers(*calls)}, backend)
    assert result.exit_code == 0
    first, second = result.answers[0].text.splitlines()
    assert first in ("FileNotFoundError", "PermissionError")
    assert second.startswith("bubblewrap")
    assert list(result.log_dir.rglob("workspace/made"))


@needs("bwrap")
def test_in_a_run_an_agent_without_files_has_servers_in_a_sandbox_too(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not for agents")
    calls = [
        Call(name="mcp__p__probe", arguments=json.dumps({"code": SHOW.format(str(tmp_path / "secret.txt"))})),
        Call(name="mcp__p__probe", arguments=json.dumps({"code": "import os; print(os.listdir('.'))"})),
    ]
    backend: dict[str, Any] = {"type": "openai", "model": "model", "mcp_servers": [prober()]}
    result, _ = finished(tmp_path, {"model": uses_then_answers(*calls)}, backend)
    assert result.answers[0].text.splitlines() == ["FileNotFoundError", "[]"]
