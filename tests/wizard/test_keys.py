"""`--setup` at a terminal: hidden input, a test only with consent, a file for its owner."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from massgen.testing import HttpError, ScriptedProvider, say
from tests.wizard.terminal import Terminal, massgen_at_terminal

pytestmark = pytest.mark.slow

KEY = "sk-planted-wizard-0123456789"
OPENROUTER, OPENAI, DONE = "1", "2", ""


def choose_openai(person: Terminal) -> None:
    person.answers(("Where (1-2) [1]: ", "1"), ("For which provider", OPENAI))
    person.wait_for("(not shown): ")


@pytest.mark.spec("CFG-082", "CLI-056", "CFG-092", "CFG-011")
def test_a_key_is_saved_unseen_for_its_owner_only_and_other_lines_stay(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "massgen" / ".env"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\nOTHER=1\nexport OPENAI_API_KEY=old\nLAST='x y'")
    file.chmod(0o644)
    for key in (KEY, KEY + "2"):
        with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path) as person:
            choose_openai(person)
            person.type(f"{key}\n")
            person.answers(("[y/N] ", "n"), ("For which provider", DONE))
            assert person.end() == 0
            assert key not in person.seen
        assert file.read_text() == f"# mine\nOTHER=1\nOPENAI_API_KEY={key}\nLAST='x y'"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [".env"]


@pytest.mark.spec("CFG-082")
def test_openrouter_comes_first_and_keys_that_are_there_are_marked(tmp_path: Path) -> None:
    environment = {"ANTHROPIC_API_KEY": KEY}
    with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path, environment=environment) as person:
        person.answers(("Where", "2"), ("For which provider", DONE))
        assert person.end() == 0
    lines = person.seen.splitlines()
    assert next(line for line in lines if " 1. OpenRouter" in line).endswith("models of all providers")
    assert any("Anthropic" in line and line.endswith("set (ANTHROPIC_API_KEY, environment)") for line in lines)
    assert not any("OpenAI" in line and "set" in line for line in lines)
    assert KEY not in person.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("CFG-082")
def test_a_key_is_tried_with_one_small_request_only_if_wanted(tmp_path: Path) -> None:
    with ScriptedProvider({"gpt-5-nano": say("OK")}).in_thread() as server:
        environment = {"OPENAI_BASE_URL": server.openai_url}
        with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path, environment=environment) as person:
            choose_openai(person)
            person.type(f"{KEY}\n")
            person.wait_for(f"Try it with one small request to OpenAI at {server.openai_url} (gpt-5-nano)?")
            assert server.requests == []
            person.type("y\n")
            person.wait_for("OpenAI accepted the key.")
            person.answers(("For which provider", DONE))
            assert person.end() == 0
        assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {KEY}"]
    assert (tmp_path / ".config/massgen/.env").read_text() == f"OPENAI_API_KEY={KEY}\n"


@pytest.mark.spec("CFG-082")
def test_a_key_that_the_provider_refuses_is_not_saved(tmp_path: Path) -> None:
    with ScriptedProvider({"gpt-5-nano": HttpError(status=401)}).in_thread() as server:
        environment = {"OPENAI_BASE_URL": server.openai_url}
        with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path, environment=environment) as person:
            choose_openai(person)
            person.type(f"{KEY}\n")
            person.answers(("[y/N] ", "y"), ("Save it in spite of this? [y/N] ", ""))
            person.answers(("Nothing was saved.", ""))
            assert person.end() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("CFG-082")
def test_keys_of_this_directory_go_into_its_env_file(tmp_path: Path) -> None:
    with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path / "home") as person:
        person.answers(("Where", "2"), ("For which provider", OPENROUTER))
        person.answers(("(not shown): ", KEY), ("[y/N] ", ""), ("Saved: OPENROUTER_API_KEY in ./.env", ""))
        assert person.end() == 0
    assert (tmp_path / ".env").read_text() == f"OPENROUTER_API_KEY={KEY}\n"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.spec("CFG-082")
def test_a_file_that_cannot_be_written_is_said_and_the_questions_go_on(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file where the directory would be")
    with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path) as person:
        choose_openai(person)
        person.type(f"{KEY}\n")
        person.answers(("[y/N] ", ""), ("could not be written", ""))
        assert person.end() == 0
    assert KEY not in person.seen


@pytest.mark.spec("CFG-082")
def test_ctrl_c_while_a_key_is_typed_leaves_everything_as_it_was(tmp_path: Path) -> None:
    with massgen_at_terminal("--setup", directory=tmp_path, home=tmp_path) as person:
        choose_openai(person)
        person.type(KEY[:10])
        person.interrupt()
        assert person.end() == 4
    assert "Traceback" not in person.seen
    assert list(tmp_path.iterdir()) == []
