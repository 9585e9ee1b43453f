"""A server of the older protocol that asks: `order(params)` puts a question and gives back what it was answered.

With `--nag` it asks once without being called; `nagged()` tells what that was answered.
"""

from __future__ import annotations

import json
import sys

TOOLS = [
    {"name": "order", "inputSchema": {"type": "object", "properties": {"params": {"type": "object"}}}},
    {"name": "nagged", "inputSchema": {"type": "object"}},
]
state = {"nagged": "nothing"}


def send(**message: object) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(request: dict, words: str) -> None:
    send(id=request["id"], result={"content": [{"type": "text", "text": words}]})


def asked(params: object) -> str:
    """Ask, and wait for the answer; other messages meanwhile are passed over, a cancellation ends it."""
    send(id="question", method="elicitation/create", params=params)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == "question":
            return json.dumps(message.get("result") or message.get("error"), sort_keys=True)
    return "hung up"


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        match request.get("method"):
            case "initialize":
                info = {"name": "asking", "version": "1"}
                version = request["params"]["protocolVersion"]
                result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
                send(id=request["id"], result=result)
            case "tools/list":
                if "--nag" in sys.argv:
                    schema = {"type": "object", "properties": {}}
                    state["nagged"] = asked({"message": "Your key?", "requestedSchema": schema})
                send(id=request["id"], result={"tools": TOOLS})
            case "tools/call" if request["params"]["name"] == "nagged":
                text(request, state["nagged"])
            case "tools/call":
                text(request, asked(request["params"]["arguments"]["params"]))
            case _ if "id" in request:
                send(id=request["id"], error={"code": -32601, "message": "no such method"})


main()
