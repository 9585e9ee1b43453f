"""Who is let in, what is refused, and how a refusal reads."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from massgen.testing import HttpError
from tests.server.place import TEAM, serving


def play(story) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(250):
            await story()

    asyncio.run(bounded())


@pytest.mark.spec("SRV-002")
def test_health_is_ok(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.http() as client:
            reply = await client.get("/health")
            assert (reply.status_code, reply.json()) == (200, {"status": "ok"})

    play(story)


BAD = [
    (b"not json", "no valid JSON"),
    (b"[" * 100_000, "no valid JSON"),
    (b"[]", "must be a JSON object"),
    (b"{}", "'messages' must be a list"),
    (b'{"messages": []}', "at least one message"),
    (b'{"messages": [{"role": "user", "content": "  "}]}', "user message with text"),
    (b'{"messages": [{"role": "assistant", "content": "x"}]}', "user message with text"),
    (b'{"messages": [{"role": "chief", "content": "x"}]}', "role must be"),
    (b'{"messages": ["x"]}', "must be an object"),
    (b'{"messages": [{"role": "user", "content": 3}]}', "text or a list of parts"),
    (b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "may only hold text parts"),
    (b'{"model": 3, "messages": [{"role": "user", "content": "x"}]}', "'model' must be"),
]


@pytest.mark.spec("SRV-003")
@pytest.mark.parametrize(("body", "words"), BAD)
def test_a_bad_body_is_a_400_with_a_sentence(tmp_path: Path, body: bytes, words: str) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.http() as client:
            reply = await client.post("/v1/chat/completions", content=body)
            assert reply.status_code == 400
            assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
            assert words in reply.json()["error"]["message"]
            assert place.provider.requests == []

    play(story)


@pytest.mark.spec("SRV-003")
def test_a_body_over_the_limit_is_a_413_with_and_without_its_length(tmp_path: Path) -> None:
    async def pieces():
        for _ in range(20):
            yield b"x" * 1000

    async def story() -> None:
        async with serving(tmp_path, body_bytes=10_000) as place, place.http() as client:
            for content in (b"x" * 20_000, pieces()):
                reply = await client.post("/v1/chat/completions", content=content)
                assert reply.status_code == 413

    play(story)


@pytest.mark.spec("SRV-003")
def test_half_a_body_does_not_hold_a_request_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, read_seconds=0.05) as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
            writer.close()
            await writer.wait_closed()

    play(story)


@pytest.mark.spec("SRV-006")
def test_without_a_given_team_the_model_names_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, team=False, select_models=True) as place:
            by_path = await place.chat(model="massgen/path:team.yaml")
            assert by_path.json()["massgen_metadata"]["config_used"] == str(place.config)
            example = await place.chat(model="massgen/demo/duo")
            assert example.json()["massgen_metadata"]["config_used"].endswith("configs/demo/duo.yaml")
            for unknown in ("gpt-5", "massgen/no_such_example", "massgen/", "massgen/path:"):
                reply = await place.chat(model=unknown)
                assert (reply.status_code, reply.json()["error"]["param"]) == (404, "model")

    play(story)


@pytest.mark.spec("SRV-006")
def test_a_given_team_answers_whatever_the_model_says_unless_callers_may_choose(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place:
            reply = await place.chat(model="massgen/demo/duo")
            assert reply.json()["massgen_metadata"]["config_used"] == str(place.config)
        async with serving(tmp_path, select_models=True) as place:
            reply = await place.chat(model="massgen/demo/duo")
            assert reply.json()["massgen_metadata"]["config_used"].endswith("duo.yaml")
            own = await place.chat(model="massgen")
            assert own.json()["massgen_metadata"]["config_used"] == str(place.config)

    play(story)


@pytest.mark.spec("SRV-004")
def test_the_default_configuration_answers_massgen_and_none_is_a_400_with_a_hint(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, team=False, select_models=True) as place:
            none = await place.chat()
            assert none.status_code == 400
            assert "massgen --init" in none.json()["error"]["message"]
            user = Path(os.environ["HOME"]) / ".config" / "massgen" / "config.yaml"
            user.parent.mkdir(parents=True)
            user.write_text(place.config.read_text())
            assert (await place.chat()).json()["massgen_metadata"]["config_used"] == str(user)
            own = tmp_path / ".massgen" / "config.yaml"
            own.parent.mkdir(exist_ok=True)
            own.write_text(place.config.read_text())
            assert (await place.chat()).json()["massgen_metadata"]["config_used"] == str(own)

    play(story)


@pytest.mark.spec("SRV-006")
def test_paths_outside_the_allowed_directories_do_not_exist_for_callers(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    launch = tmp_path / "launch"
    launch.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    shared = tmp_path_factory.mktemp("shared")

    async def story() -> None:
        async with serving(launch, team=False, select_models=True, directories=(shared,)) as place:
            for directory in (outside, shared):
                (directory / "team.yaml").write_text(place.config.read_text())
            (launch / "link.yaml").symlink_to(outside / "team.yaml")
            (launch / "linked").symlink_to(outside)
            (launch / "secret.txt").write_text("no configuration")
            refused = (
                "../outside/team.yaml", str(outside / "team.yaml"), "link.yaml", "linked/team.yaml", "secret.txt",
                "/etc/passwd", "~/team.yaml", "~nobody-at-all/team.yaml", "a\0b.yaml", "x" * 5000 + ".yaml",
            )  # fmt: skip
            messages = set()
            for path in refused:
                reply = await place.chat(model=f"massgen/path:{path}")
                assert reply.status_code == 404, path[:50]
                messages.add(reply.json()["error"]["message"])
            assert len(messages) == 1
            assert (await place.chat(model=f"massgen/path:{shared / 'team.yaml'}")).status_code == 200

    play(story)


@pytest.mark.spec("SRV-003", "SRV-005")
def test_a_key_guards_everything_but_health(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, key="let-me-in") as place, place.http() as client:
            assert (await client.get("/health")).status_code == 200
            for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": b"Bearer \xff"}):
                reply = await client.get("/v1/models", headers=given)
                assert (reply.status_code, reply.json()["error"]["type"]) == (401, "authentication_error")
            assert (await client.get("/v1/models", headers={"Authorization": "Bearer let-me-in"})).status_code == 200

    play(story)


def test_foreign_hosts_and_origins_are_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, origins=("https://good.example",)) as place, place.http() as client:
            assert (await client.get("/v1/models", headers={"Host": "evil.example"})).status_code == 403
            for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://[::1"):
                assert (await client.get("/v1/models", headers={"Origin": origin})).status_code == 403
            good = await client.get("/v1/models", headers={"Origin": "https://good.example"})
            assert good.headers["access-control-allow-origin"] == "https://good.example"
            assert (await client.get("/v1/models", headers={"Origin": "http://localhost:3000"})).status_code == 200

    play(story)


@pytest.mark.spec("SRV-006")
def test_models_lists_what_may_be_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.openai() as client:
            assert [model.id async for model in client.models.list()] == ["massgen"]
        async with serving(tmp_path, select_models=True) as place, place.openai() as client:
            names = [model.id async for model in client.models.list()]
            assert names[0] == "massgen"
            assert "massgen/demo/duo" in names

    play(story)


def test_an_address_that_is_not_served_is_refused_in_the_same_shape(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.http() as client:
            reply = await client.get("/v1/nothing")
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, None)
            assert (await client.get("/v1/chat/completions")).status_code == 405

    play(story)


@pytest.mark.spec("SRV-003")
def test_a_team_without_an_answer_is_a_500_and_says_why_without_secrets(tmp_path: Path) -> None:
    async def story() -> None:
        broken = [HttpError(status=401)] * 9
        async with serving(tmp_path, {"model-a": broken, "model-b": broken}) as place:
            reply = await place.chat()
            assert reply.status_code == 500
            assert reply.json()["error"]["type"] == "server_error"
            assert "sk-test-key" not in reply.text
            streamed = await place.chat(stream=True)
            last = json.loads(streamed.text.strip().split("\n\n")[-2].removeprefix("data: "))
            assert last["error"]["message"]

    play(story)


@pytest.mark.spec("SRV-006")
def test_a_changed_team_file_counts_from_the_next_request_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, TEAM) as place:
            await place.chat()
            place.config.write_text(place.config.read_text().replace("research-agent", "other-agent"))
            os.utime(place.config, (1, 1))
            mapping = (await place.chat()).json()["massgen_metadata"]["agent_mapping"]
            assert mapping["agent_a"] == "other-agent"

    play(story)
