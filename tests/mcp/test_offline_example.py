"""The example with the weather server that ships with MassGen: neither key nor network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.config import load_config
from massgen.config.packaged import find_example
from massgen.testing.weather import answer
from tests.needs import needs

NAME = "@examples/tools/mcp/team-simulated_mcp-weather_showcase"
QUESTION = "Oslo or Rome: where is it sunny in three days?"


def massgen(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with nothing in its environment; its network, where it can be, is cut."""
    cut = ["unshare", "--user", "--map-root-user", "--net"]
    allowed = (
        shutil.which("unshare") and subprocess.run([*cut, "true"], capture_output=True, check=False).returncode == 0
    )
    return subprocess.run(
        [*(cut if allowed else ()), sys.executable, "-m", "massgen", *arguments],
        cwd=directory,
        env={"HOME": str(directory), "PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_it_is_valid_and_uses_the_one_name_of_the_weather_server() -> None:
    path = find_example(NAME)
    assert path is not None
    config = load_config(path).require(strict=True)
    names = {server.name for agent in config.agents for server in agent.backend.mcp_servers}
    assert names == {"weather"}


def test_the_example_runs_and_its_answer_comes_from_the_server(tmp_path: Path) -> None:
    done = massgen(tmp_path, "--automation", "--config", NAME, QUESTION)
    assert done.returncode == 0, done.stderr
    (events,) = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*/events.jsonl")
    lines = map(json.loads, events.read_text().splitlines())
    results = "".join(line["data"]["result"] for line in lines if line["event_type"] == "tool_end")
    assert "Oslo, day 3: sunny, 18 °C" in results
    assert "Rome, day 3: cloudy, -4 °C" in results


@needs("bwrap")
def test_its_tools_can_be_tried_also_in_a_sandbox(tmp_path: Path) -> None:
    path = find_example(NAME)
    assert path is not None
    (tmp_path / "team.yaml").write_text(path.read_text().replace("# sandbox: true", "sandbox: true"))
    tried = massgen(tmp_path, "tools", "team.yaml", "--call", "get_weather", '{"city": "Lima"}')
    assert (tried.stdout.strip(), tried.returncode) == ("Lima: cloudy, 1 °C", 0), tried.stderr


@pytest.mark.parametrize("arguments", [{}, {"city": " "}, {"city": "Oslo", "days": 8}, {"city": "Oslo", "days": "2"}])
def test_arguments_that_do_not_fit_are_refused_with_a_reason(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Name a city|whole number"):
        answer("get_forecast", arguments)
