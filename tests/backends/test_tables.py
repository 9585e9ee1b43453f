"""The tables of the room say what the documents say, and reading them costs nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from massgen.backends import CAPABILITIES, Price, create_backend, facts_of, known_models
from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.schema.backend import BackendConfig
from massgen.testing import Tokens, Turn, say
from tests.backends.harness import KEY, bench, done_of, run

SPEC = Path(__file__).parents[2] / "docs" / "spec" / "config-cli-backends.md"
SOURCES = {"B": "provider", "M": "massgen", "C": "custom", "-": "none", "by": "by_provider"}
SWITCHES = {"yes": "yes", "no": "no", "warn": "warn", "alias": "alias"}


def rows_of_the_document():
    """(type, cells) for every type that the table of section 7.7 names."""
    text = SPEC.read_text(encoding="utf-8").split("### 7.7")[1]
    presets = [name for name, entry in BACKEND_TYPES.items() if entry.kind == "preset" and name != "zai"]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = cells[0].replace("chatcompletion and presets", ", ".join(["chatcompletion", *presets]))
        for name in names.split(", "):
            if len(cells) == 13 and name in BACKEND_TYPES:
                yield name, cells[1:]


def switch(name, cell):
    """The verdict of a cell for one type."""
    if cell.startswith("yes for openrouter"):
        return "yes" if name == "openrouter" else "warn"
    return SWITCHES[cell.split()[0]]


@pytest.mark.parametrize(("name", "cells"), list(rows_of_the_document()))
@pytest.mark.spec("BE-070", "BE-072")
def test_capabilities_are_those_of_the_document(name, cells):
    row = CAPABILITIES[name]
    columns = ("web_search", "code_execution", "shell", "image", "audio", "video")
    for column, cell in zip(columns, cells[:6], strict=True):
        assert getattr(row, column) == SOURCES[cell.split()[0]], column
    assert row.mcp == {"yes": "yes", "no": "no", "yes (warn)": "warn"}[cells[6]]
    assert row.files == SOURCES[cells[7]]
    assert row.custom_tools == (cells[8] == "yes")
    switches = ("enable_web_search", "enable_code_execution", "enable_code_interpreter")
    assert [getattr(row, column) for column in switches] == [switch(name, cell) for cell in cells[9:]]


@pytest.mark.spec("BE-070")
def test_every_backend_type_has_a_row():
    assert set(CAPABILITIES) == set(BACKEND_TYPES)
    assert {name for name, _ in rows_of_the_document()} == set(BACKEND_TYPES) - {"simulated"}


@pytest.mark.spec("BE-005")
def test_the_models_that_the_document_names_are_known():
    text = SPEC.read_text(encoding="utf-8").split("| Type | Models named")[1].split("\n### 7.2")[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 and cells[0] in BACKEND_TYPES and cells[1] != "any":
            named = [word.split()[0].strip("*") for word in cells[1].split(", ")]
            assert list(known_models(cells[0])) == named


@pytest.mark.spec("BE-005")
def test_an_unknown_type_has_no_list_and_an_unknown_model_is_passed_through():
    assert known_models("openrouter") == ()

    async def work():
        async with bench(say("4")) as place:
            return (await done_of(place.backend("openai", model="a-model-of-tomorrow"))).model

    assert run(work()) == "a-model-of-tomorrow"


@pytest.mark.spec("BE-006")
def test_facts_of_a_known_model_need_no_network():
    facts = facts_of("claude", "claude-sonnet-4-20250514")
    assert facts.context_window == 200_000
    assert (facts.input_per_1k, facts.output_per_1k) == (Decimal("0.003"), Decimal("0.015"))
    assert facts_of("openai", "nobody-knows-this").context_window is None


def cost(model="m", prices=None, type_name="chatcompletion", tokens=None):
    async def work():
        usage = tokens or Tokens(input=1_000_000, output=500_000, cached=0)
        async with bench(Turn(text="4", usage=usage), prices=prices) as place:
            return (await done_of(place.backend(type_name, model=model))).usage.cost

    return run(work())


@pytest.mark.spec("BE-006")
def test_the_cost_of_a_known_model_is_known_and_of_an_unknown_one_unknown():
    assert cost("gpt-4o") == Decimal("7.5")
    assert cost("nobody-knows-this") is None


@pytest.mark.spec("BE-006")
def test_a_price_of_the_user_wins():
    price = Price(input=Decimal(2), output=Decimal(4), cached_input=Decimal(1))
    tokens = Tokens(input=1_000_000, output=500_000, cached=500_000)
    assert cost("gpt-4o", {"gpt-4o": price}, tokens=tokens) == Decimal("3.5")


@pytest.mark.spec("BE-006")
def test_a_model_on_ones_own_server_costs_nothing():
    assert cost("gpt-4o", type_name="vllm") == 0


@pytest.mark.parametrize(
    "work",
    [
        "import massgen.backends, massgen.backends.protocol",
        "from massgen.backends import check_backend, CAPABILITIES, SharedResources, create_backend;"
        "check_backend({'type': 'openai', 'model': 'm', 'api_key': 'k'})",
    ],
)
@pytest.mark.spec("BE-011")
def test_checking_a_configuration_imports_no_provider_library(work):
    heavy = "('pydantic_ai', 'openai', 'anthropic', 'google.genai', 'httpx2', 'genai_prices')"
    code = f"import sys\n{work}\nprint([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_prefetch_imports_only_what_the_types_need():
    code = (
        "import sys, threading\nfrom massgen.backends import prefetch\n"
        "thread = threading.Thread(target=prefetch, args=(['chatcompletion', 'codex', 'nope'],))\n"
        "thread.start(); thread.join()\n"
        "print([name in sys.modules for name in ('openai', 'massgen.backends.api', 'anthropic', 'google.genai')])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[True, True, False, False]"


def test_prefetch_of_a_simulated_team_imports_nothing():
    code = (
        "import sys\nfrom massgen.backends import prefetch\nbefore = set(sys.modules)\nprefetch(['simulated'])\n"
        "print(sorted(set(sys.modules) - before - {'massgen.backends.creation'}))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.spec("BE-010", "BE-022")
def test_the_validated_model_and_a_mapping_mean_the_same():
    section = {"type": "chatcompletion", "model": "m", "api_key": KEY, "temperature": 0.2, "reasoning": {}, "x": 1}

    async def work():
        async with bench(say("4")) as place:
            section["base_url"] = place.server.openai_url
            for config in (section, BackendConfig.model_validate(section)):
                await done_of(create_backend(config, agent_id="a", resources=place.resources))
            return [request.json for request in place.server.requests]

    first, second = run(work())
    assert first == second
    assert first["x"] == 1


def test_closing_the_resources_closes_every_connection():
    async def work():
        from massgen.backends import SharedResources
        from massgen.testing import ScriptedProvider

        async with ScriptedProvider(default=say("4")) as server:
            resources = SharedResources()
            section = {"type": "chatcompletion", "model": "m", "base_url": server.openai_url}
            await done_of(create_backend(section, agent_id="a", resources=resources))
            assert server.open_connections == 1
            await resources.close()
            await resources.close()
            await server.wait_for_connections(0)

    asyncio.run(work())


def test_agents_of_one_run_share_connections():
    async def work():
        async with bench(say("4")) as place:
            for _ in range(5):
                await done_of(place.backend("chatcompletion"))
            return place.server.connections_made

    assert run(work()) == 1
