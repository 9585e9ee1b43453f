"""Failures that may pass are tried again, visibly, and a whole team waits for one back-off."""

from __future__ import annotations

import asyncio
import random

import pytest

from massgen.backends import RetryPolicy
from massgen.backends.protocol import BackendWarning, ModelDone, Retrying, TextDelta
from massgen.errors import (
    AuthenticationFailed,
    BadRequest,
    BadResponse,
    CallTimedOut,
    ConnectionFailed,
    RateLimited,
    ServerFailed,
)
from massgen.testing import Dropped, HttpError, Refused, Turn, closed_port, say
from tests.backends.harness import AT_ONCE, FORMATS, ask, bench, done_of, events_of, run

every_format = pytest.mark.parametrize("type_name", FORMATS)


@every_format
@pytest.mark.spec("BE-030")
def test_rate_limits_and_server_errors_are_tried_again_and_told(type_name):
    turns = [HttpError(status=429, retry_after="0"), HttpError(status=500), HttpError(status=529), say("4")]

    async def work():
        async with bench({FORMATS[type_name]: turns}, retries=AT_ONCE) as place:
            return await events_of(place.backend(type_name))

    events = run(work())
    told = [event for event in events if isinstance(event, Retrying)]
    assert [event.kind for event in told] == ["rate_limit", "server_error", "server_error"]
    assert [event.attempt for event in told] == [2, 3, 4]
    assert isinstance(events[-1], ModelDone)
    assert events[-1].message.text == "4"


@pytest.mark.spec("BE-030")
def test_the_text_of_a_failed_try_comes_before_the_retry_and_is_not_in_the_message():
    async def work():
        turns = [Dropped(after_chunks=2), say("whole")]
        async with bench({"gpt-4o": turns}, retries=AT_ONCE) as place:
            return await events_of(place.backend("chatcompletion"))

    events = run(work())
    retry = next(index for index, event in enumerate(events) if isinstance(event, Retrying))
    assert any(isinstance(event, TextDelta) for event in events[:retry])
    assert "".join(event.text for event in events[retry:] if isinstance(event, TextDelta)) == "whole"
    assert events[-1].message.text == "whole"


@pytest.mark.parametrize("type_name", ["vllm", "openai"])
@pytest.mark.spec("BE-043")
def test_a_server_that_has_not_answered_yet_is_told_with_what_to_do_before_the_first_wait(type_name):
    url = f"http://127.0.0.1:{closed_port()}/v1"

    async def work():
        seen = []
        async with bench(retries=RetryPolicy(attempts=3, base=0.0)) as place:
            with pytest.raises(ConnectionFailed):
                async for event in place.backend(type_name, base_url=url).stream(ask()):
                    seen.append(event)
        return seen

    first, *later = run(work())
    assert isinstance(first, BackendWarning)
    next_step = "Start it with: vllm serve some-model" if type_name == "vllm" else "Start the server"
    assert first.text.startswith(f"No connection to {url}: connection refused. {next_step}")
    assert [event.attempt for event in later if isinstance(event, Retrying)] == [2, 3] and len(later) == 2


@pytest.mark.spec("BE-030", "BE-043")
def test_a_server_that_has_answered_before_is_only_tried_again_when_its_port_closes():
    async def work():
        turns = [say("one"), Refused(), say("two")]
        async with bench({"m": turns}, retries=AT_ONCE) as place:
            backend = place.backend("vllm", model="m")
            await done_of(backend)
            with pytest.raises(ConnectionFailed):
                await done_of(backend)
            events = []
            with pytest.raises(ConnectionFailed):
                async for event in backend.stream(ask()):
                    events.append(event)
            return events

    assert all(isinstance(event, Retrying) for event in run(work()))


@pytest.mark.parametrize("status", [400, 401, 404])
@pytest.mark.spec("BE-030")
def test_a_request_that_cannot_succeed_is_sent_once(status):
    async def work():
        async with bench(HttpError(status=status), retries=AT_ONCE) as place:
            with pytest.raises((BadRequest, AuthenticationFailed)):
                await done_of(place.backend("openai"))
            return len(place.server.requests)

    assert run(work()) == 1


@pytest.mark.spec("BE-030")
def test_tries_end_at_the_number_of_attempts():
    async def work():
        async with bench(HttpError(status=500), retries=RetryPolicy(attempts=3, base=0.0)) as place:
            with pytest.raises(ServerFailed):
                await done_of(place.backend("claude"))
            return len(place.server.requests)

    assert run(work()) == 3


@pytest.mark.spec("BE-030")
def test_sdks_do_not_retry_on_their_own():
    async def work():
        async with bench(HttpError(status=500), retries=RetryPolicy(attempts=1)) as place:
            for name in FORMATS:
                with pytest.raises(ServerFailed):
                    await done_of(place.backend(name))
            return len(place.server.requests)

    assert run(work()) == len(FORMATS)


@pytest.mark.spec("BE-030")
def test_a_retry_after_is_obeyed_and_never_undercut():
    policy = RetryPolicy()
    error = RateLimited("slow down", retry_after=7.0)
    waits = [policy.delay(error, 1, random.Random(seed)) for seed in range(50)]
    assert all(wait is not None and 7.0 <= wait <= 7.5 for wait in waits)


@pytest.mark.spec("BE-030")
def test_a_retry_after_beyond_patience_ends_the_call():
    assert RetryPolicy(longest_retry_after=60).delay(RateLimited("x", retry_after=61), 1, random.Random(1)) is None


@pytest.mark.spec("BE-030")
def test_waits_double_up_to_the_longest_with_jitter_from_the_seed():
    policy = RetryPolicy(attempts=20, base=1.0, longest=8.0, jitter=0.5)
    waits = [policy.delay(ServerFailed("x"), attempt, random.Random(attempt)) for attempt in range(1, 8)]
    again = [policy.delay(ServerFailed("x"), attempt, random.Random(attempt)) for attempt in range(1, 8)]
    assert waits == again
    for wait, full in zip(waits, (1, 2, 4, 8, 8, 8, 8), strict=True):
        assert wait is not None
        assert full / 2 <= wait <= full


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ServerFailed("x"), 5),
        (ConnectionFailed("x"), 5),
        (CallTimedOut("x", limit="idle"), 2),
        (CallTimedOut("x", limit="total"), 2),
        (BadResponse("x"), 3),
        (BadRequest("x"), 1),
    ],
)
@pytest.mark.spec("BE-030")
def test_the_kind_of_failure_decides_how_often_it_is_tried(error, tries):
    policy, chance = RetryPolicy(), random.Random(0)
    allowed = [policy.delay(error, attempt, chance) is not None for attempt in range(1, 6)]
    assert allowed.index(False) + 1 == tries


@pytest.mark.spec("BE-030")
def test_agents_at_one_limited_endpoint_do_not_multiply_requests():
    """Ten agents meet a limit that lasts for some requests: after the first burst one at a time tries again."""
    burst, refused_after = 10, 4

    def script(request):
        return HttpError(status=429, retry_after="0.01") if request.number <= burst + refused_after else say("ok")

    async def work():
        async with bench({"m": script}, retries=RetryPolicy(attempts=8, base=0.01)) as place:
            async with asyncio.TaskGroup() as group:
                for _ in range(burst):
                    group.create_task(done_of(place.backend("chatcompletion", model="m")))
            return len(place.server.requests)

    assert run(work()) == burst + refused_after + burst


@pytest.mark.spec("BE-030")
def test_a_waiting_call_that_is_cancelled_lets_the_next_one_try():
    async def work():
        turns = [HttpError(status=429, retry_after="0.2"), say("ok"), say("ok")]
        async with bench({"m": turns}, retries=RetryPolicy(base=0.01)) as place:
            first = asyncio.create_task(done_of(place.backend("chatcompletion", model="m")))
            await place.server.wait_for_requests("m", 1)
            second = asyncio.create_task(done_of(place.backend("chatcompletion", model="m")))
            await asyncio.sleep(0)
            first.cancel()
            return (await second).message.text

    assert run(work()) == "ok"


@pytest.mark.spec("BE-030")
def test_another_key_at_the_same_endpoint_is_not_held_back():
    async def work():
        scripts = {"limited": [HttpError(status=429, retry_after="60"), say("late")], "free": say("at once")}
        async with bench(scripts, retries=RetryPolicy()) as place:
            task = asyncio.create_task(done_of(place.backend("chatcompletion", model="limited")))
            await place.server.wait_for_requests("limited", 1)
            other = place.backend("chatcompletion", model="free", api_key="sk-another-key")
            async with asyncio.timeout(250):
                text = (await done_of(other)).message.text
            task.cancel()
            return text

    assert run(work()) == "at once"


@pytest.mark.spec("BE-020")
def test_an_empty_word_after_tool_results_is_the_end_of_a_turn_and_no_fault():
    from msgspec.structs import replace

    from massgen.backends.protocol import AssistantMessage, ToolCall, ToolResultMessage
    from tests.backends.harness import ask

    made = AssistantMessage(tool_calls=(ToolCall(call_id="c", name="new_answer", arguments="{}"),))
    result = ToolResultMessage(call_id="c", name="new_answer", text="done")

    async def work():
        async with bench(Turn(finish="stop")) as place:
            request = ask()
            request = replace(request, messages=(*request.messages, made, result))
            return (await done_of(place.backend("claude"), request)).message.text

    assert run(work()) == ""
