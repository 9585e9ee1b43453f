"""Flags, variables, defaults: the first that is there counts."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import httpx2
import pytest

from massgen.errors import ConfigError
from massgen.server.settings import settings_from
from tests.ports import quiet_port
from tests.runs.place import massgen


@pytest.mark.spec("SRV-005")
def test_variables_count_where_no_flag_is_given_and_flags_win() -> None:
    variables = {
        "MASSGEN_SERVER_HOST": "10.0.0.7",
        "MASSGEN_SERVER_PORT": "5005",
        "MASSGEN_SERVER_DEFAULT_CONFIG": "mine.yaml",
        "MASSGEN_SERVER_DEBUG": "true",
        "MASSGEN_SERVER_STREAMING": "false",
    }
    found = settings_from({}, variables)
    assert (found.host, found.port, found.config, found.debug) == ("10.0.0.7", 5005, "mine.yaml", True)
    assert found.streaming is False
    given = settings_from({"host": "127.0.0.1", "port": 6006, "config": "other.yaml"}, variables)
    assert (given.host, given.port, given.config) == ("127.0.0.1", 6006, "other.yaml")


@pytest.mark.spec("SRV-001", "SRV-005")
def test_without_a_key_only_this_machine_is_served_and_with_one_the_documented_address() -> None:
    bare = settings_from({}, {})
    assert (bare.host, bare.port, bare.is_public) == ("127.0.0.1", 4000, False)
    keyed = settings_from({"api_key": "k"}, {})
    assert (keyed.host, keyed.is_public) == ("0.0.0.0", True)
    assert settings_from({}, {"MASSGEN_SERVER_API_KEY": "k"}).key == "k"


@pytest.mark.spec("SRV-005")
@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ConfigError, match="MASSGEN_SERVER_PORT"):
        settings_from({}, {"MASSGEN_SERVER_PORT": port})


@pytest.mark.spec("SRV-005")
@pytest.mark.parametrize("word", ["true", "YES", "on", "1", "False", "no", "off", "0"])
def test_a_switch_is_said_in_any_of_the_usual_words(word: str) -> None:
    means = word in ("true", "YES", "on", "1")
    found = settings_from({}, {"MASSGEN_SERVER_DEBUG": word, "MASSGEN_SERVER_STREAMING": word})
    assert (found.debug, found.streaming) == (means, means)
    blank = settings_from({}, {"MASSGEN_SERVER_DEBUG": "", "MASSGEN_SERVER_STREAMING": " "})
    assert (blank.debug, blank.streaming) == (False, True)


@pytest.mark.spec("SRV-005", "AUTO-031")
@pytest.mark.parametrize("name", ["MASSGEN_SERVER_DEBUG", "MASSGEN_SERVER_STREAMING"])
def test_a_switch_in_another_word_is_refused_with_the_code_of_wrong_settings(tmp_path: Path, name: str) -> None:
    done = massgen(tmp_path, "serve", "--config", "@examples/demo/duo", "--port", "0", env={name: "maybe"})
    assert done.returncode == 1
    assert done.stderr == f"Error: {name} must be true or false, not 'maybe'.\n"


@pytest.mark.spec("SRV-006")
def test_callers_choose_only_without_a_given_team_or_when_told_so(tmp_path: Path) -> None:
    assert settings_from({}, {}).select_models is True
    assert settings_from({"config": "team.yaml"}, {}).select_models is False
    assert settings_from({"config": "team.yaml", "allow_model_select": True}, {}).select_models is True
    assert settings_from({"allow_path": (str(tmp_path),)}, {}).directories == (tmp_path,)


@pytest.mark.spec("SRV-001", "AUTO-031")
@pytest.mark.parametrize("more", [(), ("--reload",)])
def test_a_port_that_is_taken_is_refused_with_the_next_step_and_the_code_of_wrong_settings(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "massgen", "serve", "--config", "@examples/demo/duo", "--port", port, *more]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith(f"Error: The server cannot listen on 127.0.0.1, port {port}: ")
    assert "--port" in second


@pytest.mark.slow
@pytest.mark.spec("SRV-014")
def test_reload_restarts_on_a_source_change_and_keeps_the_flags(tmp_path: Path) -> None:
    (tmp_path / "team.py").write_text("first = 1\n")
    command = [sys.executable, "-m", "massgen", "serve", "--config", "@examples/demo/duo", "--reload"]
    port = quiet_port()
    command += ["--port", str(port), "--host", "127.0.0.1", "--api-key", "only-with-this"]

    async def story() -> None:
        server = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stderr=PIPE, stdout=DEVNULL)
        try:
            async with asyncio.timeout(250), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                assert await status(client, "/v1/models") == 401
                (tmp_path / "team.py").write_text("second = 2\n")
                assert server.stderr is not None
                async for line in server.stderr:
                    if b"Reloading" in line:
                        break
                assert await status(client, "/v1/models") == 401
        finally:
            server.terminate()
            await server.communicate()

    asyncio.run(story())


async def status(client: httpx2.AsyncClient, path: str) -> int:
    """The status of the first answer; until the server listens, connections are refused."""
    while True:
        try:
            return (await client.get(path)).status_code
        except httpx2.TransportError:
            await asyncio.sleep(0.05)
