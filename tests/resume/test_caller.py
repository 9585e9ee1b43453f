"""A request to the server whose process died: what its caller gave is known to the run that goes on with it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from msgspec.structs import replace

from massgen.backends.protocol import ToolSpec
from massgen.engine.functions import FOR_CALLER, CallerFunctions
from massgen.events.codec import read_run
from massgen.events.continuing import Requested
from massgen.events.types import ModelCall, ToolEnd, Warned
from massgen.runs.request import RunResult
from massgen.runs.requested import request_from, request_record
from massgen.runs.resumed import resumed
from massgen.runs.resuming import asked_again, recover
from massgen.runs.run import Run
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call
from tests.resume.course import config, cuts, request
from tests.runs.place import command, environment, massgen
from tests.server.test_functions import WEATHER

SPEC = ToolSpec(name="get_weather", description="The weather now.", parameters={"type": "object", "properties": {}})
WANTS = "the team wants the caller to run get_weather"


def caller(received: ReceivedRequest) -> Turn:
    """Calls the caller's function where it is offered."""
    if "get_weather" in received.view.tool_names:
        return Turn(text="Let me look.", calls=(call("get_weather", city="Paris"),))
    reply = answer_then_vote("Call get_weather for Paris.", "agent1")(received)
    assert isinstance(reply, Turn)
    return reply


async def go_on(launch: Path, team: dict[str, Any], log_dir: Path) -> RunResult:
    recovered = recover(log_dir)
    run = resumed(asked_again(request(launch, team), recovered), recovered)
    run.prepare()
    return await run.execute()


@pytest.mark.slow
@pytest.mark.spec("SRV-011")
def test_wherever_it_died_the_call_is_said_once_and_nothing_is_judged(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider({"m1": caller, "m2": caller}) as server:
            team = config(server, ["m1", "m2"], coordination={"max_orchestration_restarts": 1})
            asked = request(tmp_path, team)
            run = Run(replace(asked, functions=CallerFunctions(specs=(SPEC,)), instructions=("Mind the units.",)))
            run.prepare()
            finished = await run.execute()
            assert finished.exit_code == 0, finished.message
            for cut in cuts(finished.log_dir)[2:]:
                server.requests.clear()
                log_dir = cut.make(tmp_path)
                result = await go_on(tmp_path, team, log_dir)
                assert (result.exit_code, result.answer) == (0, "Let me look."), (cut.size, result.message)
                assert all("Mind the units." in item.view.system for item in server.requests)
                bodies = [event.body for event in read_run(log_dir)]
                assert sum(isinstance(body, Warned) and WANTS in body.text for body in bodies) == 1, cut.size
                assert any(isinstance(body, ToolEnd) and body.result == FOR_CALLER for body in bodies)
                kinds = [body.round_kind for body in bodies if isinstance(body, ModelCall)]
                assert kinds.count("presentation") == 1 and "post_evaluation" not in kinds, cut.size

    asyncio.run(asyncio.wait_for(story(), 280))


@pytest.mark.spec("SRV-011", "SRV-012")
def test_a_request_of_a_killed_server_is_gone_on_with_from_the_command_line(tmp_path: Path) -> None:
    def held(received: ReceivedRequest) -> Turn:
        turn = caller(received)
        return replace(turn, hold=Hold(gate="killed")) if "get_weather" in received.view.tool_names else turn

    with ScriptedProvider({"m": held}).in_thread() as server:
        wire = {"type": "chatcompletion", "model": "m", "base_url": server.openai_url, "api_key": "sk-x"}
        (tmp_path / "team.yaml").write_text(yaml.safe_dump({"agent": {"id": "amber", "backend": wire}}))
        serving = subprocess.Popen(
            command("serve", "--config", "team.yaml", "--port", "0"),
            cwd=tmp_path,
            env=environment(tmp_path),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert serving.stderr is not None
        try:
            url = next(line for line in serving.stderr if "Serving" in line).split(" at ")[1].split(" ")[0]
            asyncio.run(ask_and_kill(url, server, serving))
        finally:
            serving.kill()
            serving.wait()
            serving.stderr.close()
        server.open("killed")
        (log_dir,) = (path for path in (tmp_path / ".massgen/massgen_logs").glob("log_2*") if path.is_dir())
        seen = len(server.requests)
        done = massgen(tmp_path, "resume", log_dir)
        assert done.returncode == 0, done.stderr
        assert "ANSWER_PREVIEW: Let me look." in done.stdout
        assert f'{WANTS}({{"city": "Paris"}}). The caller is gone' in done.stderr
        again = server.requests[seen:]
        assert len(again) == 1 and "Mind the units." in again[0].view.system


async def ask_and_kill(url: str, server: ScriptedProvider, serving: subprocess.Popen[str]) -> None:
    messages = [{"role": "system", "content": "Mind the units."}, {"role": "user", "content": "The weather?"}]
    body = {"model": "massgen", "messages": messages, "tools": [WEATHER]}
    async with httpx2.AsyncClient(timeout=100) as client:
        asking = asyncio.create_task(client.post(f"{url}/chat/completions", json=body))
        await server.wait_for_requests("m", 2)
        serving.send_signal(signal.SIGKILL)
        with pytest.raises(httpx2.HTTPError):
            await asking


def test_the_record_of_an_older_log_is_readable(tmp_path: Path) -> None:
    base = request(tmp_path, {"agent": {"id": "a", "backend": {"type": "simulated", "model": "a"}}})
    full = replace(base, functions=CallerFunctions(specs=(SPEC,)), instructions=("Be brief.",))
    record = json.loads(json.dumps(Requested(values=request_record(full, lambda data: "")).values))
    again = request_from(base, record, lambda item: pytest.fail(str(item)))
    assert again.functions is not None and again.functions.specs == (SPEC,) and again.instructions == ("Be brief.",)
    del record["functions"], record["instructions"]
    assert request_from(base, record, lambda item: pytest.fail(str(item))) == replace(base, functions=None)
