"""What a configuration asks for is in the request, and what a model refuses is not."""

from __future__ import annotations

import json

import pytest

from massgen.backends.protocol import BackendWarning
from massgen.testing import say
from tests.backends.harness import FORMATS, ask, bench, done_of, events_of, run, sent

every_format = pytest.mark.parametrize("type_name", FORMATS)


def body(type_name, request=None, **config):
    """The JSON body that a backend with this configuration sends."""

    async def use(place):
        await done_of(place.backend(type_name, **config), request)

    return sent(say("4"), use)


def warnings_of(type_name, **config):
    async def work():
        async with bench(say("4")) as place:
            events = await events_of(place.backend(type_name, **config))
            return [event.text for event in events if isinstance(event, BackendWarning)]

    return run(work())


@pytest.mark.spec("BE-022")
def test_common_parameters_reach_the_request_of_every_format():
    common = {"temperature": 0.3, "max_tokens": 2000, "top_p": 0.9}
    chat = body("chatcompletion", **common)
    assert (chat["temperature"], chat["max_tokens"], chat["top_p"]) == (0.3, 2000, 0.9)
    responses = body("openai", model="gpt-4.1", **common)
    assert (responses["temperature"], responses["max_output_tokens"], responses["top_p"]) == (0.3, 2000, 0.9)
    claude = body("claude", temperature=0.3, max_tokens=2000)
    assert (claude["temperature"], claude["max_tokens"]) == (0.3, 2000)
    gemini = body("gemini", **common)["generationConfig"]
    assert (gemini["temperature"], gemini["maxOutputTokens"], gemini["topP"]) == (0.3, 2000, 0.9)


@every_format
@pytest.mark.spec("BE-022")
def test_a_parameter_that_is_not_set_is_not_sent(type_name):
    text = json.dumps(body(type_name))
    assert "temperature" not in text
    assert "top_p" not in text
    assert "topP" not in text


@pytest.mark.spec("BE-022")
def test_a_temperature_that_a_reasoning_model_refuses_is_left_out_with_a_warning():
    assert "temperature" not in body("openai", model="gpt-5-mini", temperature=0.3)
    assert any("temperature" in text for text in warnings_of("openai", model="gpt-5-mini", temperature=0.3))


@pytest.mark.spec("BE-022")
def test_a_warning_is_given_once_and_printed_never(capfd):
    async def work():
        async with bench(say("4")) as place:
            backend = place.backend("openai", temperature=0.3)
            first, second = await events_of(backend), await events_of(backend)
            return [[type(e) for e in events].count(BackendWarning) for events in (first, second)]

    assert run(work()) == [1, 0]
    assert capfd.readouterr() == ("", "")


@every_format
@pytest.mark.spec("CFG-043")
def test_keys_that_nobody_knows_go_into_the_request_unchanged(type_name):
    extra = {"new_option": {"level": 3}}
    sent_body = body(type_name, **extra)
    assert sent_body["new_option"] == {"level": 3}


@every_format
@pytest.mark.spec("CFG-043")
def test_keys_of_the_program_never_reach_a_provider(type_name):
    text = json.dumps(
        body(type_name, cwd="workspace", enable_mcp_command_line=False, idle_timeout=50, text_protocol=False)
    )
    for key in ("cwd", "enable_mcp_command_line", "idle_timeout", "text_protocol"):
        assert key not in text


@pytest.mark.spec("BE-023")
def test_openai_gets_effort_summary_and_verbosity():
    sent_body = body(
        "openai",
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low"},
    )
    assert sent_body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent_body["text"] == {"verbosity": "low"}


@pytest.mark.spec("BE-023")
def test_openai_gets_its_own_tools():
    tools = body("openai", enable_web_search=True, enable_code_interpreter=True)["tools"]
    assert {"web_search", "code_interpreter", "function"} == {tool["type"] for tool in tools}


@pytest.mark.spec("BE-024")
def test_claude_gets_its_server_tools():
    tools = body("claude", enable_web_search=True, enable_code_execution=True)["tools"]
    names = {tool["name"] for tool in tools}
    assert {"web_search", "code_execution", "new_answer"} <= names


@pytest.mark.spec("BE-024")
def test_betas_are_sent_as_claudes_beta_header():
    async def work():
        async with bench(say("4")) as place:
            await done_of(place.backend("claude", betas=["computer-use-2025-01-24", "another-1"]))
            return place.server.requests[-1].headers["anthropic-beta"]

    assert {"computer-use-2025-01-24", "another-1"} <= set(run(work()).replace(" ", "").split(","))


@pytest.mark.spec("BE-024")
def test_text_injected_after_a_tool_result_is_a_block_of_its_own():
    from msgspec.structs import replace

    from massgen.backends.protocol import AssistantMessage, ToolCall, ToolResultMessage, UserMessage

    made = AssistantMessage(tool_calls=(ToolCall(call_id="c1", name="new_answer", arguments="{}"),))
    result = ToolResultMessage(call_id="c1", name="new_answer", text="ok")
    request = replace(ask(), messages=(UserMessage(text="q"), made, result, UserMessage(text="NEW ANSWER")))
    content = body("claude", request)["messages"][-1]["content"]
    assert [block["type"] for block in content] == ["tool_result", "text"]


@pytest.mark.spec("BE-024")
def test_claudes_reasoning_budget_fits_into_max_tokens_and_drops_the_temperature():
    sent_body = body("claude", reasoning={"effort": "medium"}, max_tokens=4000, temperature=0.5)
    assert sent_body["thinking"]["budget_tokens"] == 2000
    assert "temperature" not in sent_body
    assert "thinking" not in body("claude", reasoning={"max_tokens": 5000}, max_tokens=4000)


@pytest.mark.spec("BE-025")
def test_gemini_gets_search_and_safety_settings():
    sent_body = body(
        "gemini",
        ask(tools=()),
        enable_web_search=True,
        safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_MEDIUM_AND_ABOVE"},
    )
    assert any("googleSearch" in tool or "google_search" in tool for tool in sent_body["tools"])
    assert sent_body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_MEDIUM_AND_ABOVE"}
    ]


@pytest.mark.spec("BE-025")
def test_gemini_gets_code_execution():
    tools = body("gemini", ask(tools=()), enable_code_execution=True)["tools"]
    assert any("codeExecution" in tool or "code_execution" in tool for tool in tools)


@pytest.mark.spec("BE-025", "BE-021", "CLI-008")
def test_a_gemini_that_takes_no_built_in_tools_beside_others_gets_the_others_and_says_so():
    sent_body = body("gemini", model="gemini-2.5-flash", enable_web_search=True, enable_code_execution=True)
    assert [list(tool) for tool in sent_body["tools"]] == [["functionDeclarations"]]
    told = warnings_of("gemini", model="gemini-2.5-flash", enable_web_search=True)
    assert any("left out" in text and "text_protocol" in text for text in told)
    both = body("gemini", model="gemini-3-pro-preview", enable_web_search=True)["tools"]
    assert {name for tool in both for name in tool} >= {"googleSearch", "functionDeclarations"}
    written = body("gemini", model="gemini-2.5-flash", enable_web_search=True, text_protocol=True)
    assert [list(tool) for tool in written["tools"]] == [["googleSearch"]]


@pytest.mark.spec("AUTO-012")
def test_googles_library_says_nothing_about_calling_functions_by_itself(caplog):
    body("gemini", model="gemini-3-pro-preview", enable_web_search=True)
    assert "AFC" not in caplog.text


@pytest.mark.spec("BE-026")
def test_grok_gets_its_search():
    tools = body("grok", enable_web_search=True)["tools"]
    assert "web_search" in {tool["type"] for tool in tools}


@pytest.mark.spec("BE-027")
def test_azure_warns_about_a_tool_that_is_not_there():
    assert any("enable_web_search" in text for text in warnings_of("azure_openai", enable_web_search=True))


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        ({"reasoning": {"effort": "high"}}, {"effort": "high"}),
        ({"reasoning": {"max_tokens": 700}}, {"max_tokens": 700}),
        ({"reasoning": {"effort": "xhigh"}, "max_tokens": 1000}, {"max_tokens": 950}),
        ({"reasoning": {"effort": "high"}, "max_tokens": 1000}, {"max_tokens": 800}),
        ({"reasoning": {"effort": "medium"}, "max_tokens": 1000}, {"max_tokens": 500}),
        ({"reasoning": {"exclude": True}, "max_tokens": 1000}, {"max_tokens": 500, "exclude": True}),
        ({"reasoning": {"effort": "low"}, "max_tokens": 1000}, {"max_tokens": 200}),
        ({"reasoning": {"effort": "minimal"}, "max_tokens": 1000}, {"max_tokens": 100}),
        ({"reasoning": {"effort": "none"}, "max_tokens": 1000}, {"max_tokens": 0}),
    ],
)
@pytest.mark.spec("BE-028")
def test_openrouter_reasoning_is_a_budget_where_one_is_known(config, reasoning):
    assert body("openrouter", **config)["reasoning"] == reasoning


@pytest.mark.spec("BE-028")
def test_openrouter_search_is_a_plugin_with_its_options():
    sent_body = body("openrouter", enable_web_search=True, engine="exa", max_results=3, search_context_size="low")
    assert sent_body["plugins"] == [{"id": "web", "engine": "exa", "max_results": 3, "search_context_size": "low"}]
    assert "engine" not in sent_body


@pytest.mark.parametrize(
    ("type_name", "kept"),
    [
        ("vllm", {"top_k", "repetition_penalty"}),
        ("sglang", {"top_k", "repetition_penalty", "separate_reasoning"}),
        ("chatcompletion", {"top_k", "repetition_penalty"}),
    ],
)
@pytest.mark.spec("BE-042")
def test_sampling_keys_of_local_servers(type_name, kept):
    keys = {"top_k": 20, "repetition_penalty": 1.1, "separate_reasoning": True}
    assert {name for name in keys if name in body(type_name, **keys)} == kept


@pytest.mark.spec("BE-029")
def test_generic_servers_get_no_key_that_only_openai_knows():
    sent_body = body("chatcompletion", max_tokens=50)
    assert "max_completion_tokens" not in sent_body
    assert "strict" not in json.dumps(sent_body)


@pytest.mark.spec("BE-005")
def test_a_short_model_name_is_sent_as_the_id_of_the_provider():
    assert body("claude", model="sonnet")["model"] == "claude-sonnet-4-5-20250929"
    assert body("claude", model="claude-next-9")["model"] == "claude-next-9"
