"""Backend classes of a user, in a process of their own: what is registered stays for the life of a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import asyncio, json
import massgen
from massgen.backends.protocol import AssistantMessage, ModelDone, ToolCall
from massgen.config_validator import ConfigValidator

made = []

class Parrot:
    provider = "parrot"

    def __init__(self, section, agent_id):
        made.append((agent_id, section))
        self.model = section["model"]

    async def stream(self, request):
        if self.model == "ill":
            raise ConnectionError("no voice")
        offered = [tool.name for tool in request.tools]
        if "vote" in offered:
            call = ToolCall(call_id="v", name="vote", arguments='{"agent_id": "agent1", "reason": "loud"}')
        elif offered:
            call = ToolCall(call_id="a", name="new_answer", arguments='{"content": "Squawk"}')
        else:
            yield ModelDone(message=AssistantMessage(text="Squawk!"))
            return
        yield ModelDone(message=AssistantMessage(tool_calls=(call,)), finish_reason="tool_calls")

    async def close(self):
        pass

before = ConfigValidator().validate_config_file("team.yaml").has_errors()
massgen.register_backend("parrot", Parrot)
after = ConfigValidator().validate_config_file("team.yaml").format_errors()
refused = []
for name in ("openai", "google", "Not a name"):
    try:
        massgen.register_backend(name, Parrot)
    except ValueError as error:
        refused.append(str(error))
result = asyncio.run(massgen.run("Say it", config="team.yaml"))
print(json.dumps([before, after, refused, made, result["final_answer"], result["exit_code"]]))
"""
TEAM = """
agents:
  - {id: polly, backend: {type: parrot, model: grey, loudness: 11}}
  - {id: sick, backend: {type: parrot, model: ill}}
orchestrator: {}
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    launch: Path = tmp_path_factory.mktemp("parrots")
    (launch / "team.yaml").write_text(TEAM)
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=launch, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.spec("IOP-019")
def test_a_registered_class_answers_for_the_agents_of_a_configuration_that_names_it(told: list[Any]) -> None:
    before, after, _, made, answer, code = told
    assert (before, after) == (True, "")
    assert made[0] == ["polly", {"type": "parrot", "model": "grey", "loudness": 11}]
    assert (answer, code) == ("Squawk!", 0)


@pytest.mark.spec("IOP-019")
def test_names_of_the_program_and_words_that_are_none_are_refused(told: list[Any]) -> None:
    taken, alias, odd = told[2]
    assert "choose another name" in taken and "choose another name" in alias
    assert "no backend type" in odd
