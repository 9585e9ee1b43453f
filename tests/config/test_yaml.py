"""YAML text: places, what is refused, and that nothing in it can hurt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massgen.config import LoadedConfig, load_file, load_text
from tests.config.places import MINIMAL, config, errors, load


@pytest.mark.spec("CFG-009")
def test_broken_yaml_is_reported_with_file_line_and_column(tmp_path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text("agents:\n  - id: a\n    backend: {type: openai\n")
    loaded = load_file(path)
    (problem,) = loaded.errors
    assert problem.file == str(path)
    assert problem.place.startswith(f"{path}:")
    assert None not in (problem.line, problem.column)


@pytest.mark.spec("CFG-065")
def test_every_problem_names_its_line_column_and_path() -> None:
    loaded = load("agents:\n  - id: a\n    backend:\n      type: openai\n      model: gpt-5\n      temperature: hot\n")
    (problem,) = loaded.errors
    assert (problem.line, problem.column, problem.path) == (6, 20, "agents[0].backend.temperature")


def test_a_key_that_occurs_twice_is_refused_and_names_the_first() -> None:
    (problem,) = load(MINIMAL + "ui: {}\nui: {}\n").errors
    assert "occurs twice" in problem.message
    assert "line 4" in problem.message
    assert problem.line == 5


def test_a_bare_yes_is_text_and_no_switch() -> None:
    (problem,) = load("agent: {id: a, backend: {type: openai, model: m, enable_web_search: yes}}").errors
    assert problem.suggestion == "Write true without quotes"


def test_anchors_aliases_and_merge_keys_work_and_own_keys_win() -> None:
    team = config(
        """
        x-base: &base {type: openai, model: gpt-5, temperature: 0.2}
        agents:
          - {id: a, backend: *base}
          - id: b
            backend:
              <<: *base
              model: gpt-5-mini
        orchestrator: {}
        """
    )
    assert [(agent.backend.model, agent.backend.temperature) for agent in team.agents] == [
        ("gpt-5", 0.2),
        ("gpt-5-mini", 0.2),
    ]


def test_a_mistake_in_a_shared_part_is_shown_where_it_is_used_and_where_it_stands() -> None:
    loaded = load(
        """
        x-base: &base {type: openai, model: 5}
        agents:
          - {id: a, backend: *base}
        """
    )
    (problem,) = loaded.errors
    assert (problem.path, problem.line) == ("agents[0].backend.model", 1)


def test_json_is_accepted() -> None:
    text = json.dumps({"agents": [{"id": "a", "backend": {"type": "openai", "model": "gpt-5"}}]}, indent=2)
    assert load_text(text).require().agents[0].id == "a"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("- a\n- b\n", "must be a map"),
        ("just words\n", "must be a map"),
        ("agents: !!python/object/apply:os.system ['true']\n", "tag"),
        ("agents: &a [*a]\n", "alias"),
        ("agents: *nowhere\n", "alias"),
        ("? [a, b]\n: c\n", "plain text"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: " + "[" * 500 + "]" * 500, "levels deep"),
        ("a: " + "{b: " * 500 + "}" * 500, "levels deep"),
        ("a: 1\n<<: 5\n", "needs a map"),
        ("a: \x01\n", "cannot be read"),
    ],
)
def test_what_is_no_configuration_is_refused_in_words(text: str, words: str) -> None:
    loaded = load_text(text)
    assert loaded.config is None
    assert words in loaded.errors[0].message


def test_aliases_cannot_grow_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    loaded = load_text("\n".join(lines))
    assert "aliases included" in loaded.errors[0].message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\xfd", "not UTF-8"),
        (b"agents: \xff\xff\n", "not UTF-8"),
        (b"a: 1\n" * 500_000, "larger than"),
        (b"", "empty"),
    ],
)
def test_files_that_are_no_text_are_refused_in_words(tmp_path, data: bytes, words: str) -> None:
    path = tmp_path / "team.yaml"
    path.write_bytes(data)
    assert words in load_file(path).errors[0].message


def test_a_byte_order_mark_and_utf16_are_read(tmp_path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        path = tmp_path / f"{encoding}.yaml"
        path.write_bytes(MINIMAL.encode(encoding))
        assert load_file(path).require().agents[0].id == "a"


def test_a_file_torn_at_any_byte_gives_findings_and_never_crashes(tmp_path) -> None:
    path = tmp_path / "torn.yaml"
    data = (
        "agents:\n  - id: ä\n    backend: {type: openai, model: 'gpt-5', mcp_servers: [{name: x, command: y}]}\n"
        "orchestrator: {coordination: {enable_changedoc: true}}\n"
    ).encode()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        assert isinstance(load_file(path), LoadedConfig)


@pytest.mark.parametrize("identity", ["a/b", "../up", "Ağustos 🐝", "研究者", "agent one", "x" * 200, "a.b", "-"])
def test_ids_with_slashes_and_foreign_letters_are_kept_as_they_are(identity: str) -> None:
    text = json.dumps({"agents": [{"id": identity, "backend": {"type": "openai", "model": "m"}}]})
    assert load_text(text).require().agents[0].id == identity


@pytest.mark.parametrize("identity", ["two\nlines", "bell\x07", "x" * 201])
def test_ids_that_cannot_be_shown_in_a_line_are_refused(identity: str) -> None:
    text = json.dumps({"agents": [{"id": identity, "backend": {"type": "openai", "model": "m"}}]})
    assert errors(load_text(text))[0][0] == "agents[0].id"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=12), st.just("${HOME}")
)
KEYS = st.sampled_from(
    [
        "agents", "agent", "id", "backend", "type", "model", "orchestrator", "coordination", "ui", "memory",
        "timeout_settings", "mcp_servers", "custom_tools", "hooks", "PreToolUse", "context_paths", "path",
        "backend_params", "subagent_orchestrator", "command_line_docker_packages", "apt", "name", "command",
        "args", "url", "preinstall", "presenter_agent", "write_mode", "task", "cwd", "system_message", "dspy",
        "persona_generator", "base_url", "function", "evaluation_criteria_generator", "session_id", "massgen",
    ]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_tree_of_known_keys_gives_a_configuration_or_findings(tree: dict[str, Any]) -> None:
    loaded = load_text(json.dumps(tree))
    assert (loaded.config is None) == bool(loaded.errors)
    for item in loaded.diagnostics:
        assert item.message
        assert item.format()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="agentsidbckx:-[]{}&*!|>?%@#'\" \n\t,0~<", max_size=80))
def test_any_text_gives_a_configuration_or_findings(text: str) -> None:
    loaded = load_text(text)
    assert (loaded.config is None) == bool(loaded.errors)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_configuration_or_findings(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "x.yaml"
    path.write_bytes(data)
    loaded = load_file(path)
    assert (loaded.config is None) == bool(loaded.errors)
