"""The container of an agent, against a real engine. It has no bridge and no registry: what needs them is proven
by the arguments (`test_arguments.py`)."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from massgen.config.schema.execution import CommandKeys, DockerCredentials, DockerPackages, Preinstall
from massgen.tools.commands.offer import command_tools
from massgen.tools.commands.settings import command_settings
from massgen.tools.protocol import ToolContext
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.container.container import AgentContainer
from massgen.workspace.sandbox.container.credentials import collect
from massgen.workspace.sandbox.container.engine import ContainerUnavailable, Engine, find_engine, old_version
from massgen.workspace.sandbox.container.place import container_place, ready_engine
from massgen.workspace.sandbox.container.sandbox import ContainerSandbox
from massgen.workspace.sandbox.container.settings import ContainerSettings
from massgen.workspace.sandbox.protocol import CommandResult, Limits
from tests.needs import needs
from tests.sandbox.container import image

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds until a command that does not end is ended."""
pytestmark = needs("docker")


@dataclass(slots=True)
class Place:
    """A workspace, a context directory, a peer, and containers made for them."""

    root: Path
    warnings: list[str] = field(default_factory=list)
    settings: ContainerSettings = field(init=False)

    def __post_init__(self) -> None:
        for name in ("ws", "context", "peer", "home"):
            (self.root / name).mkdir()
            (self.root / name / "note.txt").write_text(f"{name}\n")
        os.chmod(self.root / "context", 0o777)
        (self.root / "context" / ".env").write_text("hidden\n")
        self.settings = ContainerSettings(agent_id="agent_a", instance=secrets.token_hex(4), image=image.build())

    @property
    def workspace(self) -> Path:
        return self.root / "ws"

    def grants(self, *, final: bool = False) -> Grants:
        context = self.root / "context"
        both = (self.workspace, context) if final else (self.workspace,)
        return Grants(writable=both, readable=() if final else (context,), denied=(context / ".env",))

    def container(self, **changes: object) -> AgentContainer:
        settings = replace(self.settings, **changes) if changes else self.settings
        credentials = collect(
            settings.credentials,
            home=self.root / "home",
            host=os.environ,
            launch=self.root,
            warn=self.warnings.append,
        )
        return AgentContainer(
            find_engine("docker"), settings, credentials, workspace=self.workspace, warn=self.warnings.append
        )

    def sandbox(self, container: AgentContainer, *, final: bool = False) -> ContainerSandbox:
        grants = self.grants(final=final)
        return ContainerSandbox(container, grants, start_directory=self.workspace, limits=Limits())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def within(container: AgentContainer, use: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        try:
            return await use()
        finally:
            await container.remove()

    return asyncio.run(run())


def run_all(place: Place, container: AgentContainer, *commands: str, timeout: float = PATIENCE) -> list[CommandResult]:
    async def use() -> list[CommandResult]:
        sandbox = place.sandbox(container)
        return [await sandbox.run(command, timeout=timeout) for command in commands]

    return within(container, use)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout


def lists_nothing(*arguments: str) -> bool:
    """Whether `docker` with these arguments comes to list nothing: what two remove at once goes a moment later."""
    limit = time.monotonic() + PATIENCE
    while found := docker(*arguments):
        if time.monotonic() > limit:
            break
    return not found


@pytest.mark.spec("EXEC-002", "EXEC-031", "EXEC-032")
def test_one_named_container_lives_until_the_end_of_the_run(place: Place) -> None:
    container = place.container()
    assert container.name == f"massgen-agent_a-{place.settings.instance}"

    async def use() -> tuple[str, str, str]:
        sandbox = place.sandbox(container)
        await sandbox.start()
        first = docker("ps", "--quiet", "--no-trunc", "--filter", f"name={container.name}")
        result = await sandbox.run("echo $PWD; cat /proc/sys/kernel/hostname", timeout=PATIENCE)
        await sandbox.close()
        await place.sandbox(container).run("true", timeout=PATIENCE)
        return first, docker("ps", "--quiet", "--no-trunc", "--filter", f"name={container.name}"), str(result.stdout)

    first, second, output = within(container, use)
    assert first
    assert first == second
    assert str(place.workspace) in output
    assert lists_nothing("ps", "--all", "--quiet", "--filter", f"name={container.name}")


@pytest.mark.spec("EXEC-033", "EXEC-035")
def test_only_granted_paths_exist_inside_at_their_own_paths(place: Place) -> None:
    root = place.root
    script = (
        f"cat {root}/context/note.txt; cat {root}/peer/note.txt; cat {root}/context/.env; "
        f"echo x > {root}/context/new; echo mine > {root}/ws/mine; ls {root}"
    )
    result = run_all(place, place.container(), script)[0]
    assert result.stdout == b"context\ncontext\nws\n"
    assert (root / "ws" / "mine").read_text() == "mine\n"
    assert not (root / "context" / "new").exists()


@pytest.mark.spec("EXEC-033", "EXEC-040")
def test_a_later_phase_may_write_and_keeps_what_was_in_the_container(place: Place) -> None:
    container = place.container()

    async def use() -> tuple[int, CommandResult]:
        early = f"touch /tmp/x; echo x > {place.root}/context/new"
        before = await place.sandbox(container).run(early, timeout=PATIENCE)
        script = f"ls /tmp/x && echo done > {place.root}/context/new"
        return before.exit_code, await place.sandbox(container, final=True).run(script, timeout=PATIENCE)

    before, after = within(container, use)
    assert before != 0
    assert (after.exit_code, after.stdout) == (0, b"/tmp/x\n")
    assert (place.root / "context" / "new").read_text() == "done\n"
    assert lists_nothing("images", "--quiet", f"massgen-state:{container.name}")


@pytest.mark.spec("EXEC-035")
def test_processes_are_no_root_and_have_no_network(place: Place) -> None:
    result = run_all(place, place.container(), "id -u; id -un; ls /sys/class/net")[0]
    assert result.stdout.split() == [b"1000", b"massgen", b"lo"]


@pytest.mark.spec("EXEC-030", "EXEC-035")
def test_limits_of_memory_and_cpus_reach_the_container(place: Place) -> None:
    container = place.container(memory="64m", cpus="0.5")

    async def use() -> tuple[dict, CommandResult]:
        sandbox = place.sandbox(container)
        eaten = await sandbox.run("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived", timeout=PATIENCE)
        return json.loads(docker("inspect", container.name))[0]["HostConfig"], eaten

    config, eaten = within(container, use)
    assert (config["Memory"], config["NanoCpus"], config["NetworkMode"]) == (64 << 20, 500_000_000, "none")
    assert b"survived" not in eaten.stdout


@pytest.mark.spec("EXEC-034")
def test_no_process_of_the_program_runs_inside(place: Place) -> None:
    script = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done"
    output = run_all(place, place.container(), script)[0].stdout
    assert b"python" not in output
    assert b"warden" not in output


@pytest.mark.spec("EXEC-042")
def test_files_made_inside_belong_to_who_can_delete_them_outside(place: Place) -> None:
    result = run_all(place, place.container(), "mkdir -p sub && echo x > sub/file && rm note.txt")[0]
    assert result.exit_code == 0
    owner = (place.workspace / "sub" / "file").stat().st_uid
    assert owner == (os.getuid() or 1000)
    assert not (place.workspace / "note.txt").exists()


@pytest.mark.spec("EXEC-005")
def test_a_command_over_its_time_ends_inside_with_its_tree(place: Place) -> None:
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep -c '^sleep 4[0-9]*'"
    slow, after = run_all(place, place.container(), "setsid sleep 41 & sleep 42", look, timeout=2)
    assert slow.limit == "time"
    assert after.stdout == b"0\n"


@pytest.mark.spec("EXEC-004")
def test_what_a_command_leaves_behind_ends_with_it_and_its_exit_code_is_kept(place: Place) -> None:
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep -c '^sleep 4[0-9]*'"
    first, after = run_all(place, place.container(), "setsid -f sleep 43; echo oops >&2; exit 3", look)
    assert (first.exit_code, first.stderr) == (3, b"oops\n")
    assert after.stdout == b"0\n"


@pytest.mark.spec("EXEC-007", "EXEC-051", "EXEC-052", "EXEC-054", "EXEC-056")
def test_only_configured_variables_reach_the_container_and_stay_out_of_its_description(
    place: Place, monkeypatch
) -> None:
    monkeypatch.setenv("HOST_ONLY", "host-only")
    monkeypatch.setenv("NPM_TOKEN", "from-host")
    (place.root / "keys.env").write_text("GITHUB_TOKEN=ghp_secret\nNPM_TOKEN=from-file\nOTHER=other\n")
    wanted = DockerCredentials(
        env_file="keys.env", env_vars_from_file=("GITHUB_TOKEN", "NPM_TOKEN"), env_vars=("NPM_TOKEN",)
    )
    output = run_all(place, place.container(credentials=wanted), "env")[0].stdout.decode()
    assert "GITHUB_TOKEN=ghp_secret" in output
    assert "NPM_TOKEN=from-host" in output
    assert "OTHER" not in output
    assert "host-only" not in output


@pytest.mark.spec("EXEC-055")
def test_git_asks_the_github_cli_when_a_token_is_given(place: Place, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    wanted = DockerCredentials(env_vars=("GITHUB_TOKEN",))
    script = "git config credential.helper; echo $GITHUB_TOKEN"
    output = run_all(place, place.container(credentials=wanted), script)[0].stdout
    assert output == b"!gh auth git-credential\nghp_secret\n"


@pytest.mark.spec("EXEC-050", "EXEC-053")
def test_known_and_additional_files_are_mounted_and_missing_ones_named(place: Place) -> None:
    (place.root / "home" / ".gitconfig").write_text("[user]\nname = me\n")
    aws = place.root / "aws"
    aws.mkdir()
    aws.chmod(0o777)
    wanted = DockerCredentials.model_validate(
        {
            "mount": ["git_config", "npm_config"],
            "additional_mounts": {str(aws): {"bind": "/home/massgen/.aws", "mode": "rw"}},
        }
    )
    script = "git config user.name; echo x >> ~/.gitconfig; touch ~/.aws/made; ls -A ~"
    result = run_all(place, place.container(credentials=wanted), script)[0]
    assert result.stdout.split() == [b"me", b".aws", b".gitconfig"]
    assert (aws / "made").exists()
    assert (place.root / "home" / ".gitconfig").read_text() == "[user]\nname = me\n"
    assert any("npm_config" in warning for warning in place.warnings)


@pytest.mark.spec("EXEC-060", "EXEC-062")
def test_packages_install_in_order_and_a_failure_is_told_and_does_not_stop(place: Place) -> None:
    wanted = DockerPackages(preinstall=Preinstall(npm=("typescript",), python=("missing-one",), system=("vim",)))
    output = run_all(place, place.container(packages=wanted, sudo=True), "cat /var/log/order")[0].stdout.decode()
    assert [line.split()[:3] for line in output.splitlines()] == [
        ["0", "apt-get", "update"],
        ["0", "apt-get", "install"],
        ["1000", "pip", "install"],
        ["0", "npm", "install"],
    ]
    assert any("python packages failed" in text and "no such package" in text for text in place.warnings)


@pytest.mark.spec("EXEC-068")
@pytest.mark.parametrize(("name", "complaint"), [("exits", "has exited"), ("nobody", "no user massgen")])
def test_an_image_that_breaks_a_rule_is_refused_with_the_rule(name: str, complaint: str, place: Place) -> None:
    container = place.container(image=f"massgen-test:{name}")
    with pytest.raises(ContainerUnavailable, match=complaint):
        run_all(place, container, "true")
    assert lists_nothing("ps", "--all", "--quiet", "--filter", f"name={container.name}")


@pytest.mark.spec("EXEC-036")
def test_an_image_that_is_not_there_names_how_to_build_it(place: Place) -> None:
    with pytest.raises(ContainerUnavailable, match="Failed to pull Docker image") as failed:
        run_all(place, place.container(image="massgen-test:not-there"), "true")
    assert "bash massgen/docker/build.sh" in str(failed.value)
    assert isinstance(failed.value, RuntimeError)
    assert failed.value.exit_code == 1


@pytest.mark.spec("EXEC-036", "EXEC-037")
def test_a_dead_engine_is_named(monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(ContainerUnavailable, match=r"Failed to connect to Docker.*/nowhere/docker.sock"):
        asyncio.run(find_engine("docker").version())


@pytest.mark.spec("EXEC-037")
def test_the_engine_tells_its_version_and_an_old_one_gives_a_warning() -> None:
    version = asyncio.run(find_engine("docker").version())
    assert version[0].isdigit()
    assert old_version("20.10.24+dfsg1", podman=False)
    assert old_version("28.0.0", podman=False) is None


@pytest.mark.spec("EXEC-031")
def test_containers_of_killed_programs_are_removed_by_the_next(place: Place) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    owner = f"{os.uname().nodename}:{int(ended.stdout)}"
    left = docker("create", "--label", f"massgen.owner={owner}", "--network", "none", image.build()).strip()
    run_all(place, place.container(), "true")
    assert lists_nothing("ps", "--all", "--quiet", "--no-trunc", "--filter", f"id={left}")


@pytest.mark.spec("EXEC-080")
def test_a_background_process_runs_in_the_container_and_is_ended_there(place: Place) -> None:
    container = place.container()

    async def use() -> tuple[bytes, int, bytes]:
        sandbox = place.sandbox(container)
        seen = asyncio.Event()
        process = await sandbox.spawn("echo up; sleep 44", lambda *_: seen.set())
        await seen.wait()
        look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep -c '^sleep 44'"
        running = (await sandbox.run(look, timeout=PATIENCE)).stdout
        await process.end(grace=1)
        code = await process.wait()
        return running, code, (await sandbox.run(look, timeout=PATIENCE)).stdout

    running, code, after = within(container, use)
    assert (running, after) == (b"1\n", b"0\n")
    assert code != 0


@pytest.mark.spec("EXEC-041")
def test_a_command_costs_little_more_than_one_of_the_engine_itself(place: Place) -> None:
    """Both at their best of ten in turn, so that a busy machine is busy for both."""
    container = place.container()

    async def use() -> tuple[float, float]:
        sandbox = place.sandbox(container)
        await sandbox.start()
        ours, plain = [], []
        for _ in range(10):
            began = time.perf_counter()
            await sandbox.run("true", timeout=PATIENCE)
            middle = time.perf_counter()
            docker("exec", container.name, "true")
            ours.append(middle - began)
            plain.append(time.perf_counter() - middle)
        return min(ours), min(plain)

    ours, plain = within(container, use)
    assert ours < 10 * plain, (ours, plain)


def test_a_missing_engine_program_is_one_clear_error(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ContainerUnavailable, match="Docker command line not available"):
        find_engine()


def test_podman_is_recognised_by_its_name() -> None:
    assert Engine(program="/usr/bin/podman").is_podman


@pytest.mark.spec("EXEC-031", "EXEC-080")
def test_commands_and_shells_of_an_agent_run_in_its_container_until_the_run_ends(place: Place, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(place.root / "home"))
    policy = AgentPathPolicy(workspace=place.workspace, grants=place.grants(), private=(place.workspace,))

    async def run() -> tuple[str, str, str]:
        engine = await ready_engine("docker", place.warnings.append)
        container, home = container_place(engine, place.settings, policy, launch=place.root, warn=place.warnings.append)
        keys = CommandKeys.model_validate({"command_line_execution_mode": "docker"})
        tools = {tool.spec.name.split("__")[2]: tool for tool in command_tools(home, command_settings(keys))}
        about = ToolContext(agent_id="agent_a", agent_number=1, round=0, phase="coordination", call_id="c")
        try:
            await container.ensure(policy.grants)
            shell = await tools["start_background_shell"].call({"command": "touch up; sleep 50"}, about)
            wait = "until [ -e up ]; do sleep 0.05; done; id -u"
            done = await tools["execute_command"].call({"command": wait}, about)
            await home.enter(replace(policy, grants=place.grants(final=True)))
            shells = await tools["list_background_shells"].call({}, about)
        finally:
            await home.close()
        return shell.text, done.text, shells.text

    shell, done, shells = asyncio.run(run())
    assert json.loads(shell)["status"] == "running"
    assert json.loads(done)["stdout"] == "1000\n"
    assert json.loads(shells)["shells"][0]["status"] == "failed"
    assert lists_nothing("ps", "--all", "--quiet", "--filter", f"name={place.settings.name}")
