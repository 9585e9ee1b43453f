"""Keys and addresses come from the documented places, and a missing one is named."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from massgen.backends import check_backend, create_backend
from massgen.backends.endpoint import resolve_endpoint
from massgen.backends.options import Options
from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.schema.backend import BackendConfig
from massgen.errors import ConfigError, ConnectionFailed, NotAvailable
from massgen.testing import closed_port, say
from tests.backends.harness import KEY, bench, done_of, run

OVER_HTTP = [name for name, entry in BACKEND_TYPES.items() if entry.kind in ("api", "preset", "local")]
PATHS = {
    "openai": "/v1/responses",
    "grok": "/v1/responses",
    "claude": "/v1/messages",
    "gemini": "/v1beta/models/some-model:streamGenerateContent?alt=sse",
    "azure_openai": "/openai/deployments/some-model/chat/completions?api-version=2024-02-15-preview",
}
KEY_HEADERS = {"gemini": "x-goog-api-key", "azure_openai": "api-key"}


def endpoint(environ=None, **config):
    return resolve_endpoint(Options(config), environ or {})


@pytest.mark.parametrize("type_name", OVER_HTTP)
@pytest.mark.spec("BE-010", "BE-029")
def test_base_url_and_key_are_used_by_every_type(type_name):
    async def work():
        async with bench(say("4")) as place:
            await done_of(place.backend(type_name, model="some-model"))
            return place.server.requests[-1]

    request = run(work())
    assert request.path == PATHS.get(type_name, "/v1/chat/completions")
    assert KEY in request.headers[KEY_HEADERS.get(type_name, "authorization")]


@pytest.mark.parametrize(
    ("type_name", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("claude", "ANTHROPIC_API_KEY"),
        ("gemini", "GOOGLE_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
        ("grok", "XAI_API_KEY"),
        ("zai", "ZAI_API_KEY"),
        ("cerebras", "CEREBRAS_API_KEY"),
        ("together", "TOGETHER_API_KEY"),
        ("fireworks", "FIREWORKS_API_KEY"),
        ("groq", "GROQ_API_KEY"),
        ("openrouter", "OPENROUTER_API_KEY"),
        ("moonshot", "MOONSHOT_API_KEY"),
        ("nebius", "NEBIUS_API_KEY"),
        ("qwen", "QWEN_API_KEY"),
        ("qwen", "DASHSCOPE_API_KEY"),
    ],
)
@pytest.mark.spec("BE-010")
def test_the_key_comes_from_the_variable_of_the_type(type_name, variable):
    assert endpoint({variable: "from-variable"}, type=type_name, model="m").api_key == "from-variable"


@pytest.mark.parametrize(
    ("type_name", "url"),
    [
        ("grok", "https://api.x.ai/v1"),
        ("cerebras", "https://api.cerebras.ai/v1"),
        ("together", "https://api.together.xyz/v1"),
        ("fireworks", "https://api.fireworks.ai/inference/v1"),
        ("groq", "https://api.groq.com/openai/v1"),
        ("openrouter", "https://openrouter.ai/api/v1"),
        ("moonshot", "https://api.moonshot.cn/v1"),
        ("lmstudio", "http://localhost:1234/v1"),
        ("vllm", "http://localhost:8000/v1"),
        ("sglang", "http://localhost:30000/v1"),
    ],
)
@pytest.mark.spec("BE-010")
def test_the_default_address_of_a_type(type_name, url):
    assert endpoint(type=type_name, model="m", api_key="k").base_url == url


@pytest.mark.spec("BE-010")
def test_the_key_of_the_configuration_wins_over_the_variable():
    assert endpoint({"OPENAI_API_KEY": "v"}, type="openai", model="m", api_key="c").api_key == "c"


@pytest.mark.parametrize("type_name", ["openai", "claude", "gemini", "grok", "groq", "openrouter"])
@pytest.mark.spec("BE-011")
def test_a_missing_key_names_variable_places_and_setup(type_name):
    with pytest.raises(ConfigError) as found:
        check_backend({"type": type_name, "model": "m"}, environ={})
    assert BACKEND_TYPES[type_name].key_variables[0] in found.value.message
    for part in ("massgen --setup", "~/.config/massgen/.env", "./.env"):
        assert part in (found.value.hint or "")
    assert found.value.exit_code == 1


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        ("https://api.poe.com/v1", "POE_API_KEY"),
        ("https://elsewhere.example/v1", "OPENAI_API_KEY"),
    ],
)
@pytest.mark.spec("BE-012")
def test_chatcompletion_takes_the_key_of_the_host(url, variable):
    environ = {variable: "right", "OPENAI_API_KEY": "openai"} | {variable: "right"}
    assert endpoint(environ, type="chatcompletion", model="m", base_url=url).api_key == "right"


@pytest.mark.parametrize("config", [{}, {"api_key": "EMPTY"}])
@pytest.mark.spec("BE-012")
def test_a_server_without_a_key_needs_none(config):
    found = endpoint(type="chatcompletion", model="m", base_url="http://localhost:9/v1", **config)
    assert found.api_key == "EMPTY"


@pytest.mark.spec("BE-012")
def test_chatcompletion_without_an_address_says_so():
    with pytest.raises(ConfigError, match="base_url"):
        endpoint(type="chatcompletion", model="m")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.spec("BE-014", "BE-027")
def test_an_azure_endpoint_works_with_and_without_a_slash(slash):
    async def work():
        async with bench(say("4")) as place:
            environ = {
                "AZURE_OPENAI_ENDPOINT": place.server.base_url + slash,
                "AZURE_OPENAI_API_KEY": "k",
                "AZURE_OPENAI_API_VERSION": "2025-01-01",
            }
            section = {"type": "azure_openai", "model": "gpt-4o", "deployment_name": "mine"}
            backend = create_backend(section, agent_id="a", resources=place.resources, environ=environ)
            await done_of(backend)
            return place.server.requests[-1].path

    assert run(work()) == "/openai/deployments/mine/chat/completions?api-version=2025-01-01"


@pytest.mark.spec("BE-014")
def test_a_missing_azure_endpoint_names_its_variable():
    with pytest.raises(ConfigError) as found:
        endpoint({"AZURE_OPENAI_API_KEY": "k"}, type="azure_openai", model="m")
    assert "AZURE_OPENAI_ENDPOINT" in (found.value.hint or "")


@pytest.mark.parametrize(
    ("type_name", "model", "url", "expected"),
    [
        ("openai", "openrouter/openai/gpt-5", None, ("openrouter", "openai/gpt-5")),
        ("openai", "gpt-5", None, ("openai", "gpt-5")),
        ("claude", "gemini/gemini-2.5-pro", None, ("gemini", "gemini-2.5-pro")),
        ("openai", "groq/llama", "http://localhost:9/v1", ("openai", "groq/llama")),
        ("openrouter", "openai/gpt-5", None, ("openrouter", "openai/gpt-5")),
        ("together", "claude/x", None, ("together", "claude/x")),
        ("vllm", "openai/gpt-oss-20b", None, ("vllm", "openai/gpt-oss-20b")),
    ],
)
@pytest.mark.spec("BE-003")
def test_a_prefix_reroutes_only_where_it_may(type_name, model, url, expected):
    config = {"type": type_name, "model": model, "api_key": "k"} | ({"base_url": url} if url else {})
    found = endpoint(**config)
    assert (found.type.name, found.model) == expected


@pytest.mark.parametrize("type_name", ["anthropic", "google", "gemini-cli"])
@pytest.mark.spec("BE-002")
def test_an_alias_means_its_type(type_name):
    meant = {"anthropic": "claude", "google": "gemini"}
    if type_name in meant:
        assert endpoint(type=type_name, model="m", api_key="k").type.name == meant[type_name]
    else:
        with pytest.raises(NotAvailable):
            create_backend({"type": type_name}, agent_id="a", resources=None)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("type_name", ["claude_code", "codex", "gemini_cli", "copilot", "ag2"])
@pytest.mark.spec("BE-001")
def test_types_that_run_other_agents_say_that_they_are_not_available_yet(type_name):
    async def work():
        async with bench(say("4")) as place:
            with pytest.raises(NotAvailable) as found:
                create_backend({"type": type_name}, agent_id="helper", resources=place.resources)
            return found.value

    error = run(work())
    assert "helper" in error.message and type_name in error.message and error.hint


@pytest.mark.spec("BE-001")
def test_an_unknown_type_lists_the_known_ones():
    with pytest.raises(ConfigError) as found:
        check_backend({"type": "nope", "model": "m"})
    assert "openai" in (found.value.hint or "")


@pytest.mark.spec("BE-040")
def test_lmstudio_uses_the_server_at_its_port():
    async def work():
        async with bench(say("4")) as place:
            config = BackendConfig.model_validate({"type": "lmstudio", "model": "m", "port": place.server.port})
            await done_of(create_backend(config, agent_id="a", resources=place.resources))
            return place.server.requests[-1].path

    assert run(work()) == "/v1/chat/completions"


@pytest.mark.spec("BE-041")
def test_two_local_servers_are_mixed_in_one_team():
    async def work():
        async with bench(say("from vllm")) as one, bench(say("from sglang")) as two:
            done = [await done_of(one.backend("vllm")), await done_of(two.backend("sglang"))]
            return [item.message.text for item in done]

    assert run(work()) == ["from vllm", "from sglang"]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"type": "chatcompletion", "base_url": "http://localhost:8000/v1"}, "vllm"),
        ({"type": "chatcompletion", "base_url": "http://localhost:30000/v1"}, "sglang"),
        ({"type": "inference", "base_url": "http://localhost:30000/v1"}, "sglang"),
        ({"type": "vllm", "base_url": "http://localhost:30000/v1"}, "vllm"),
    ],
)
@pytest.mark.spec("BE-041")
def test_the_kind_of_a_local_server_is_its_type_or_else_its_port(config, kind):
    assert endpoint(model="m", **config).server == kind


@pytest.mark.spec("BE-010")
def test_a_key_is_not_in_the_repr_of_an_endpoint():
    assert KEY not in repr(endpoint(type="openai", model="m", api_key=KEY))


@pytest.mark.spec("BE-010")
def test_a_proxy_of_the_environment_does_not_stand_between_us_and_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")

    async def work():
        async with bench(say("4")) as place:
            return (await done_of(place.backend("chatcompletion"))).message.text

    assert run(work()) == "4"


@pytest.mark.spec("BE-010")
def test_a_proxy_of_the_environment_is_used_for_other_hosts(monkeypatch):
    seen = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.path)
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            return

    proxy = HTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")

    async def work():
        async with bench(say("4")) as place:
            from massgen.errors import AuthenticationFailed

            with pytest.raises(AuthenticationFailed):
                await done_of(place.backend("chatcompletion", base_url="http://models.invalid/v1"))

    try:
        run(work())
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
    assert seen == ["http://models.invalid/v1/chat/completions"]


@pytest.mark.spec("BE-010")
def test_a_proxy_that_does_not_answer_is_a_failed_connection(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")

    async def work():
        async with bench(say("4")) as place:
            with pytest.raises(ConnectionFailed) as found:
                await done_of(place.backend("chatcompletion", base_url="http://models.invalid/v1"))
            return found.value

    assert "proxy" in (run(work()).hint or "")


@pytest.mark.spec("BE-010")
def test_a_proxy_of_a_kind_that_is_not_supported_is_a_configuration_error(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    async def work():
        async with bench(say("4")) as place:
            with pytest.raises(ConfigError) as found:
                place.backend("chatcompletion", base_url="https://models.invalid/v1")
            return found.value

    assert "ALL_PROXY" in (run(work()).hint or "")


@pytest.mark.parametrize("type_name", ["groq", "chatcompletion", "grok"])
@pytest.mark.spec("BE-010")
def test_variables_of_one_provider_are_not_told_to_another(monkeypatch, type_name):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")

    async def work():
        async with bench(say("4")) as place:
            await done_of(place.backend(type_name))
            return place.server.requests[-1].headers

    assert not any("mine" in value for value in run(work()).values())


@pytest.mark.spec("BE-010")
def test_a_library_that_would_log_about_variables_stays_silent(monkeypatch, capfd):
    monkeypatch.setenv("GOOGLE_API_KEY", "one")
    monkeypatch.setenv("GEMINI_API_KEY", "two")

    async def work():
        async with bench(say("4")) as place:
            await done_of(place.backend("gemini"))

    run(work())
    assert capfd.readouterr() == ("", "")
