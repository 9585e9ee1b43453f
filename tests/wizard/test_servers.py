"""What is believed of a server on this machine."""

from __future__ import annotations

import pytest

from massgen.cli.wizard.servers import find_servers, is_loopback, usual_servers
from massgen.testing import ScriptedProvider, say


@pytest.mark.spec("CFG-083")
def test_names_that_a_configuration_would_replace_or_a_terminal_would_obey_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("llama3.2:1b", "org/model_7b@q4", "${OPENAI_API_KEY}", "\x1b[2Jclear", "two words", "")
    with ScriptedProvider(dict.fromkeys(names, say("x"))).in_thread() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.base_url)
        found = next(place for place in find_servers() if place.label == "Ollama")
    assert set(found.models) == {"llama3.2:1b", "org/model_7b@q4"}


@pytest.mark.spec("CFG-083")
@pytest.mark.parametrize("host", ["http://models.example:11434", "192.0.2.7", "http://[broken", "host:port"])
def test_only_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    ollama = usual_servers()[0]
    assert not is_loopback(ollama.base_url) or ollama.base_url == "http://localhost:11434/v1"
    assert all(place.label != "Ollama" or is_loopback(place.base_url) for place in find_servers())
