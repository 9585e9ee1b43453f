"""Many at once, callers who go, and an end on demand: nothing is lost, mixed up or left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.testing import Hold, Turn, answer_then_vote, use
from massgen.testing import call as tool_call
from tests.server.place import serving, team_values


def mirror(request):
    """Answers with the number that the question names."""
    asked = re.search(r"number (\d+)\.", request.view.text)
    return answer_then_vote(f"Answer {asked.group(1) if asked else '?'}")(request)


def play(story, seconds: float = 250) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await story()

    asyncio.run(bounded())


@pytest.mark.spec("SRV-013")
def test_fifty_questions_with_eight_places_get_fifty_own_answers(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            serving(tmp_path, {"model-a": mirror}, max_concurrent=8) as place,
            asyncio.TaskGroup() as group,
        ):
            asked = [group.create_task(place.chat(f"This is number {number}.")) for number in range(50)]
            said = [(await task).json()["choices"][0]["message"]["content"] for task in asked]
            assert said == [f"Answer {number}" for number in range(50)]
            assert len(place.logs) == 50

    play(story)


@pytest.mark.spec("SRV-013")
def test_only_so_many_work_at_once_in_the_order_of_arrival_and_more_than_the_queue_is_a_429(tmp_path: Path) -> None:
    order: list[str] = []

    def slow(request):
        number = re.search(r"number (\d+)\.", request.view.text)
        assert number is not None
        order.append(number.group(1))
        return Turn(calls=(tool_call("new_answer", content=number.group(1)),), hold=Hold(gate="go"))

    async def story() -> None:
        async with (
            serving(tmp_path, {"model-a": slow}, max_concurrent=1, max_queued=2) as place,
            asyncio.TaskGroup() as group,
        ):
            asked = [group.create_task(place.chat("This is number 0."))]
            await place.provider.wait_for_requests("model-a", 1)
            async with place.http() as client:
                for number in (1, 2):  # streams say that they were taken before they are answered
                    body = {"messages": [{"role": "user", "content": f"This is number {number}."}], "stream": True}
                    request = client.build_request("POST", "/v1/chat/completions", json=body)
                    asked.append(await client.send(request, stream=True))
                refused = await place.chat("This is number 3.")
                assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
                assert order == ["0"]
                place.provider.open("go")
                for reply in asked[1:]:
                    await reply.aread()
            assert list(dict.fromkeys(order)) == ["0", "1", "2"]

    play(story)


@pytest.mark.spec("SRV-013")
@pytest.mark.parametrize("streamed", [True, False])
def test_a_caller_who_goes_ends_the_run_and_gives_its_place_back(tmp_path: Path, streamed: bool) -> None:
    waiting = Turn(text="never", hold=Hold(gate="never"))
    script = [waiting, use(tool_call("new_answer", content="Answered."))]

    async def story() -> None:
        async with serving(tmp_path, {"model-a": script}, max_concurrent=1) as place:
            body = {"messages": [{"role": "user", "content": "What is 2+2?"}], "stream": streamed}
            sent = json.dumps(body).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sent)}\r\n\r\n"
            _, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(head.encode() + sent)
            await place.provider.wait_for_requests("model-a", 1)
            writer.close()
            await writer.wait_closed()
            reply = await place.chat()
            assert reply.json()["choices"][0]["message"]["content"] == "Answered."
            first = json.loads((place.logs[0] / "status.json").read_text())
            assert "cancelled" in json.dumps(first)

    play(story)


@pytest.mark.spec("SRV-001")
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_lets_the_request_at_work_finish(tmp_path: Path) -> None:
    from massgen.testing import ScriptedProvider

    held = Turn(calls=(tool_call("new_answer", content="Just in time."),), hold=Hold(gate="go"))

    async def story() -> None:
        async with ScriptedProvider({"model-a": [held]}) as provider:
            config = tmp_path / "team.yaml"
            config.write_text(json.dumps(team_values(provider, {"model-a": ""})))
            command = [sys.executable, "-m", "massgen", "serve", "--config", str(config), "--port", "0"]
            server = await asyncio.create_subprocess_exec(
                *command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            assert server.stderr is not None
            line = (await server.stderr.readline()).decode()
            port = re.search(r":(\d+)/v1", line)
            assert port is not None, line
            sent = json.dumps({"messages": [{"role": "user", "content": "What is 2+2?"}]}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sent)}\r\n\r\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port.group(1)))
            writer.write(head.encode() + sent)
            await provider.wait_for_requests("model-a", 1)
            server.send_signal(signal.SIGTERM)
            provider.open("go")
            reply = await reader.read()
            assert b"Just in time." in reply
            assert await server.wait() in (0, -signal.SIGTERM)
            await server.stderr.read()
            writer.close()
            await writer.wait_closed()

    play(story)
