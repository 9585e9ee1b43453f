"""Tests order what happens by gates and counts, and see what was asked, without sleeping."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from massgen.testing import Hold, Pace, ReceivedRequest, Reply, ScriptedProvider, Turn, say


async def post(http: httpx2.AsyncClient, server: ScriptedProvider, name: str, **more: Any) -> Any:
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}], **more}
    answer = await http.post(server.openai_url + "/chat/completions", json=body)
    return answer.json() if answer.headers["content-type"] == "application/json" else answer.text


def test_a_turn_waits_at_its_gate() -> None:
    async def run() -> None:
        script = {"m": Turn(text="late", hold=Hold(gate="go"))}
        async with ScriptedProvider(script) as server, httpx2.AsyncClient(timeout=250) as http:
            async with asyncio.TaskGroup() as group:
                call = group.create_task(post(http, server, "m"))
                await server.wait_for_hold("go")
                assert not call.done()
                server.open("go")
            assert call.result()["choices"][0]["message"]["content"] == "late"

    asyncio.run(run())


def test_a_turn_holds_within_its_stream() -> None:
    async def run() -> None:
        turn = Turn(text="abcd", chunks=4, hold=Hold(gate="half", after_chunks=2))
        async with ScriptedProvider({"m": turn}) as server, httpx2.AsyncClient(timeout=250) as http:
            body = {"model": "m", "stream": True}
            url = server.openai_url + "/chat/completions"
            async with http.stream("POST", url, json=body) as answer:
                lines = answer.aiter_lines()
                heard = ""
                while '"b"' not in heard:
                    heard += await anext(lines)
                await server.wait_for_hold("half")
                assert '"c"' not in heard
                server.open("half")
                rest = [line async for line in lines]
            assert '"c"' in "".join(rest)
            assert rest[-2:] == ["data: [DONE]", ""]

    asyncio.run(run())


@pytest.mark.parametrize("more", [{}, {"stream": True}], ids=["whole", "stream"])
@pytest.mark.parametrize("between", [0.0, 0.001])
def test_a_hold_beyond_the_last_piece_comes_before_the_end(more: dict[str, Any], between: float) -> None:
    async def run() -> None:
        turn = Turn(text="late", hold=Hold(gate="go", after_chunks=99), pace=Pace(between=between))
        async with (
            ScriptedProvider({"m": turn}) as server,
            httpx2.AsyncClient(timeout=250) as http,
            asyncio.TaskGroup() as group,
        ):
            call = group.create_task(post(http, server, "m", **more))
            await server.wait_for_hold("go")
            assert not call.done()
            server.open("go")

    asyncio.run(run())


def test_a_turn_waits_for_another_models_request() -> None:
    async def run() -> list[str]:
        script: dict[str, Any] = {"a": Turn(text="after", hold=Hold(model="b", count=2)), "b": say("first")}
        ended: list[str] = []

        async def ask(name: str) -> None:
            await post(http, server, name)
            ended.append(name)

        async with (
            ScriptedProvider(script) as server,
            httpx2.AsyncClient(timeout=250) as http,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(ask("a"))
            await server.wait_for_requests("a")
            await ask("b")
            await ask("b")
        return ended

    assert asyncio.run(run()) == ["b", "b", "a"]


def test_requests_are_recorded_in_order_of_arrival() -> None:
    async def run() -> None:
        async with ScriptedProvider(default=say("ok")) as server, httpx2.AsyncClient(timeout=250) as http:
            for name in ("a", "b", "a"):
                await post(http, server, name, temperature=0.5)
            assert [(one.index, one.model, one.number) for one in server.requests] == [
                (0, "a", 1),
                (1, "b", 1),
                (2, "a", 2),
            ]
            first, last = server.requests_for("a")
            assert (first.format, first.method, first.path) == ("chat", "POST", "/v1/chat/completions")
            assert first.headers["content-type"] == "application/json"
            assert first.raw_bytes == int(first.headers["content-length"])
            assert first.json["temperature"] == 0.5
            assert first.outcome == "sent"
            assert first.arrived <= last.arrived
            assert server.connections_made == 1, "the connection is kept for further requests"

    asyncio.run(run())


def test_a_list_serves_one_call_each_and_says_when_it_is_used_up() -> None:
    async def run() -> None:
        async with ScriptedProvider({"m": [say("one"), say("two")]}) as server:
            async with httpx2.AsyncClient(timeout=250) as http:
                texts = [(await post(http, server, "m"))["choices"][0]["message"]["content"] for _ in range(2)]
                answer = await post(http, server, "m")
            assert texts == ["one", "two"]
            assert answer["error"]["message"] == "the script of m has no call 3"
            assert server.problems == ["the script of m has no call 3"]

    asyncio.run(run())


def test_a_policy_sees_the_request_and_may_wait() -> None:
    async def policy(request: ReceivedRequest) -> Reply:
        await asyncio.sleep(0)
        return say(f"{request.model} heard {request.view.last_user} in {request.format}, call {request.number}")

    async def run() -> str:
        async with ScriptedProvider({"m": policy}) as server, httpx2.AsyncClient(timeout=250) as http:
            return (await post(http, server, "m"))["choices"][0]["message"]["content"]

    assert asyncio.run(run()) == "m heard hi in chat, call 1"


def test_a_policy_that_fails_is_reported_to_client_and_test() -> None:
    def policy(request: ReceivedRequest) -> Reply:
        raise RuntimeError(f"no idea about {request.model}")

    async def run() -> None:
        async with ScriptedProvider({"m": policy}) as server, httpx2.AsyncClient(timeout=250) as http:
            answer = await post(http, server, "m")
            assert "no idea about m" in answer["error"]["message"]
            assert len(server.problems) == 1

    asyncio.run(run())


def test_a_script_that_cannot_be_played_is_reported_and_the_server_lives_on() -> None:
    wrong: Any = Turn(text="x", calls=("vote",))  # type: ignore[arg-type]

    async def run() -> None:
        async with ScriptedProvider({"m": [wrong, say("fine")]}) as server, httpx2.AsyncClient(timeout=250) as http:
            assert "the script of m failed" in (await post(http, server, "m"))["error"]["message"]
            assert (await post(http, server, "m"))["choices"][0]["message"]["content"] == "fine"

    asyncio.run(run())


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_are_refused(sent: bytes) -> None:
    async def run() -> bytes:
        async with ScriptedProvider({}) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(sent)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_is_no_json_is_recorded_as_none() -> None:
    async def run() -> None:
        async with ScriptedProvider(default=say("x")) as server, httpx2.AsyncClient(timeout=250) as http:
            await http.post(server.openai_url + "/chat/completions", content=b"{cut")
            assert (server.requests[0].json, server.requests[0].raw_bytes) == (None, 4)

    asyncio.run(run())


def test_an_unknown_model_does_not_exist() -> None:
    async def run() -> None:
        async with ScriptedProvider({"m": say("x")}) as server, httpx2.AsyncClient(timeout=250) as http:
            answer = await post(http, server, "other")
            assert answer["error"]["code"] == "model_not_found"

    asyncio.run(run())


@pytest.mark.parametrize(
    "path", ["/api/paas/v4/chat/completions", "/openai/deployments/m/chat/completions?api-version=1"]
)
def test_a_base_url_may_have_a_path_of_its_own(path: str) -> None:
    async def run() -> None:
        async with ScriptedProvider({"m": say("x")}) as server, httpx2.AsyncClient(timeout=250) as http:
            body = {} if "deployments" in path else {"model": "m"}
            answer = await http.post(server.base_url + path, json=body)
            assert answer.json()["choices"][0]["message"]["content"] == "x"

    asyncio.run(run())


def test_the_pace_of_the_server_holds_for_each_piece() -> None:
    async def run() -> float:
        pace = Pace(first=0.05, between=0.02, jitter=0.5, seed=3)
        async with (
            ScriptedProvider({"m": say("abcd", chunks=4)}, pace=pace) as server,
            httpx2.AsyncClient(timeout=250) as http,
        ):
            begun = asyncio.get_running_loop().time()
            await post(http, server, "m", stream=True)
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(run()) >= (0.05 + 3 * 0.02) * 0.5


def test_the_pace_of_a_turn_wins_over_that_of_the_server() -> None:
    async def run() -> None:
        script = {"m": Turn(text="abcd", pace=Pace())}
        async with (
            ScriptedProvider(script, pace=Pace(first=3600)) as server,
            httpx2.AsyncClient(timeout=250) as http,
        ):
            answer = await post(http, server, "m")
        assert answer["choices"][0]["message"]["content"] == "abcd"

    asyncio.run(run())


def test_a_request_of_several_megabytes_is_read_whole() -> None:
    async def run() -> None:
        async with ScriptedProvider({"m": say("ok")}) as server, httpx2.AsyncClient(timeout=250) as http:
            text = "x" * 5_000_000
            await post(http, server, "m", messages=[{"role": "user", "content": text}])
            assert server.requests[0].view.last_user == text

    asyncio.run(run())
