"""A provider for tests: a real HTTP server on loopback that plays scripts instead of running a model.

It speaks OpenAI chat completions and responses, Anthropic messages and Gemini, streaming or not, records
every request, and misbehaves on demand. Nothing is patched: clients talk to it as to any provider.

    from massgen.testing import HttpError, ScriptedProvider, Turn, answer_then_vote, call, say, use

    scripts = {
        "model-a": answer_then_vote("Four.", votes_for="agent1"),
        "model-b": [HttpError(status=429, retry_after="0"), use(call("new_answer", content="4")), say("4")],
        "model-c": lambda request: Turn(text=request.view.last_user.upper(), chunks=20_000),
    }
    async with ScriptedProvider(scripts) as server:              # in tests with a loop
        client = AsyncOpenAI(base_url=server.openai_url, api_key="any")
        ...
        assert server.requests_for("model-b")[0].view.tool_names == ("new_answer",)

    with ScriptedProvider(scripts).in_thread() as server:        # for command lines run as subprocesses
        ...

Order without sleeping: `Turn(text=..., hold=Hold(gate="b answered"))` waits for `server.open("b answered")`,
`hold=Hold(model="model-a", count=2)` for the second request for model-a, and
`await server.wait_for_requests("model-a", 2)` is the same for the test. Base URLs: `server.openai_url` for
OpenAI's formats, `server.base_url` for Anthropic and Gemini. `python -m massgen.testing --script FILE` runs it
as a program (see `massgen.testing.scripts` for the file).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from massgen.testing.policies import answer_then_vote, calls_as_text
    from massgen.testing.replies import (
        BadBody,
        BadFrame,
        Call,
        Chaos,
        Drip,
        Dropped,
        Fault,
        Hold,
        HttpError,
        Pace,
        Policy,
        Refused,
        Reply,
        Script,
        Stalled,
        StreamError,
        Tokens,
        Turn,
        call,
        say,
        use,
    )
    from massgen.testing.requests import GivenResult, MadeCall, OfferedTool, ReceivedRequest, View
    from massgen.testing.scripts import load_scripts
    from massgen.testing.server import ScriptedProvider, closed_port

__all__ = [
    "BadBody",
    "BadFrame",
    "Call",
    "Chaos",
    "Drip",
    "Dropped",
    "Fault",
    "GivenResult",
    "Hold",
    "HttpError",
    "MadeCall",
    "OfferedTool",
    "Pace",
    "Policy",
    "ReceivedRequest",
    "Refused",
    "Reply",
    "Script",
    "ScriptedProvider",
    "Stalled",
    "StreamError",
    "Tokens",
    "Turn",
    "View",
    "answer_then_vote",
    "call",
    "calls_as_text",
    "closed_port",
    "load_scripts",
    "say",
    "use",
]

_HOMES = {
    "GivenResult": "requests",
    "MadeCall": "requests",
    "OfferedTool": "requests",
    "ReceivedRequest": "requests",
    "View": "requests",
    "ScriptedProvider": "server",
    "closed_port": "server",
    "answer_then_vote": "policies",
    "calls_as_text": "policies",
    "load_scripts": "scripts",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'replies')}"), name)
