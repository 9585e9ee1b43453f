"""Every fault of a provider becomes one classed error that says what happened, in every wire format."""

from __future__ import annotations

import pytest

from massgen.backends import CallLimits
from massgen.errors import (
    AuthenticationFailed,
    BackendError,
    BadRequest,
    BadResponse,
    CallTimedOut,
    ConnectionFailed,
    ContextTooLong,
    RateLimited,
    ServerFailed,
)
from massgen.testing import (
    BadBody,
    BadFrame,
    Drip,
    Dropped,
    HttpError,
    Refused,
    Stalled,
    StreamError,
    Turn,
    closed_port,
)
from tests.backends.harness import FORMATS, KEY, bench, done_of, run

every_format = pytest.mark.parametrize("type_name", FORMATS)
SHORT_START = CallLimits(connect=5.0, first_token=0.3, idle=60.0)
SHORT_PAUSE = CallLimits(connect=5.0, first_token=60.0, idle=0.3)

STATUSES = {
    "400": (HttpError(status=400), BadRequest),
    "401": (HttpError(status=401), AuthenticationFailed),
    "403": (HttpError(status=403), AuthenticationFailed),
    "404": (HttpError(status=404), BadRequest),
    "429": (HttpError(status=429), RateLimited),
    "500": (HttpError(status=500), ServerFailed),
    "529": (HttpError(status=529), ServerFailed),
    "context": (HttpError(status=400, context=True), ContextTooLong),
}
BROKEN = {
    "dropped before headers": (Dropped(), ConnectionFailed),
    "reset before headers": (Dropped(how="reset"), ConnectionFailed),
    "dropped within the stream": (Dropped(after_chunks=2), ConnectionFailed),
    "reset within the stream": (Dropped(after_chunks=2, how="reset"), ConnectionFailed),
    "ended in good form too early": (Dropped(after_chunks=2, how="end"), (ConnectionFailed, BadResponse)),
    "closing its port": (Refused(), ConnectionFailed),
    "bad frame": (BadFrame(), BadResponse),
    "error within the stream": (StreamError(), ServerFailed),
    "page of a proxy": (BadBody(), BadResponse),
    "cut JSON": (BadBody(body=b'{"a":', content_type="application/json"), BadResponse),
    "nothing at all": (BadBody(body=b""), BadResponse),
    "empty reply": (Turn(), BadResponse),
    "only tokens of reasoning": (Turn(reasoning="Hm", finish="length"), BadRequest),
    "withheld": (Turn(finish="content_filter"), BadRequest),
}


def failure(type_name, reply, limits=None, **config):
    async def work():
        async with bench(reply) as place:
            with pytest.raises(BackendError) as found:
                await done_of(place.backend(type_name, limits=limits, **config))
            return found.value

    return run(work())


@every_format
@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.spec("BE-030")
def test_a_status_is_classed(type_name, name):
    reply, kind = STATUSES[name]
    error = failure(type_name, reply)
    assert type(error) is kind
    assert error.status == reply.status


@every_format
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.spec("BE-030")
def test_a_broken_answer_is_classed(type_name, name):
    reply, kind = BROKEN[name]
    assert isinstance(failure(type_name, reply), kind)


@every_format
@pytest.mark.parametrize(
    ("reply", "limit"),
    [
        (Stalled(), "first_token"),
        (Stalled(after_chunks=0), "first_token"),
        (Stalled(after_chunks=2), "idle"),
    ],
    ids=["before the headers", "after the headers", "within the stream"],
)
@pytest.mark.spec("BE-022")
def test_a_stall_ends_at_its_limit(type_name, reply, limit):
    error = failure(type_name, reply, SHORT_PAUSE if limit == "idle" else SHORT_START)
    assert isinstance(error, CallTimedOut)
    assert error.limit == limit


@every_format
@pytest.mark.spec("BE-022")
def test_an_endless_drip_ends_at_the_timeout_of_the_backend(type_name):
    error = failure(type_name, Drip(interval=0.02), timeout=0.4)
    assert isinstance(error, CallTimedOut)
    assert error.limit == "total"
    assert error.hint is not None and "backend.timeout" in error.hint


@pytest.mark.spec("BE-022")
def test_the_limits_of_the_configuration_win_over_the_defaults():
    error = failure("chatcompletion", Stalled(), None, first_token_timeout=0.2)
    assert isinstance(error, CallTimedOut)
    assert error.limit == "first_token"


@pytest.fixture
def lms_on_path(tmp_path, monkeypatch):
    program = tmp_path / "lms"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def refused(type_name):
    url = f"http://127.0.0.1:{closed_port()}/v1"
    error = failure(type_name, Turn(), base_url=url)
    assert isinstance(error, ConnectionFailed)
    assert url in error.message
    return error.hint or ""


@pytest.mark.parametrize(
    ("type_name", "command"), [("vllm", "vllm serve some-model"), ("sglang", "sglang.launch_server")]
)
@pytest.mark.spec("BE-043")
def test_a_local_server_that_does_not_run_names_its_address_and_start_command(type_name, command):
    assert command in refused(type_name)


@pytest.mark.spec("BE-043")
def test_a_compatible_server_of_this_machine_that_does_not_run_is_to_be_started():
    assert refused("chatcompletion") == "Start the server, or correct backend.base_url."


@pytest.mark.spec("BE-043")
def test_lmstudio_that_does_not_run_names_its_start_command(lms_on_path):
    assert "lms server start" in refused("lmstudio")


@pytest.mark.spec("BE-040")
def test_lmstudio_that_is_not_there_is_offered_for_installation(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Install LM Studio" in refused("lmstudio")


@pytest.mark.spec("BE-040")
def test_a_model_that_lmstudio_does_not_have_says_how_to_get_it():
    error = failure("lmstudio", HttpError(status=404), model="qwen3-4b")
    assert "lms get qwen3-4b" in (error.hint or "")


@every_format
@pytest.mark.spec("BE-030")
def test_a_key_that_a_provider_repeats_is_masked(type_name):
    error = failure(type_name, HttpError(status=401, message=f"Incorrect API key provided: {KEY}"))
    assert KEY not in str(error)
    assert "***" in error.message


@pytest.mark.spec("BE-030")
def test_a_refused_key_says_which_variable_to_check():
    error = failure("claude", HttpError(status=401))
    assert "ANTHROPIC_API_KEY" in (error.hint or "")


@pytest.mark.spec("BE-030")
def test_an_unknown_model_says_what_to_check():
    error = failure("openai", HttpError(status=404), model="gpt-99")
    assert "gpt-99" in (error.hint or "")
