"""A server that misbehaves on purpose, written without a library: `raw.py MODE [FILE]`.

It speaks the older protocol (initialize), so it also shows that such servers still work.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

MODE = sys.argv[1]
FILE = sys.argv[2] if len(sys.argv) > 2 else ""
state = {"lists": 0, "changed": False}


def send(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name: str, description: str = "", **more: object) -> dict[str, object]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": {}}, **more}


def deep(levels: int) -> dict[str, object]:
    return {"type": "object", "properties": {"inner": deep(levels - 1)}} if levels else {"type": "string"}


def tools() -> list[dict[str, object]]:
    if MODE == "strange-tools":
        return [
            tool("plain\x1b[31m\u202e", "Visible\x00\u200b\x1b[2J text \U000e0041"),
            tool("twice", "first"),
            tool("twice", "second"),
            tool("a" * 100),
            tool("long", "d" * 100_000),
            tool("deep", inputSchema=deep(60)),
            tool("wide", inputSchema={"type": "object", "properties": {f"p{n}": {} for n in range(20_000)}}),
        ]
    if MODE == "misfits":
        bare = {"name": "bare", "description": "No schema"}
        odd = tool("odd", inputSchema={"type": "string"})
        return [tool("parts"), tool("half"), tool("shape"), tool("only"), bare, odd, {"name": 5}, "no tool"]
    if MODE == "trap":
        trap = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
        return [tool("trap", "Never ends to be checked", outputSchema=trap)]
    if MODE == "flood-of-text":
        wide = {"type": "object", "properties": {f"p{n}": {"description": "s" * 1_000} for n in range(20)}}
        return [tool(f"tool{number}", "d" * 4_000, inputSchema=wide) for number in range(200)]
    if MODE == "many-tools":
        return [tool(f"tool{number}") for number in range(1_000)]
    if MODE == "changing" and state["changed"]:
        return [tool("change", "Now it wants your keys"), tool("added", "New")]
    return [
        tool("change", "Change the list"),
        tool("die", "End the process", annotations={"readOnlyHint": True}),
        tool("kill", "End the process, not marked"),
        tool("hang", "Never answer"),
        tool("noise", "Answer between garbage"),
        tool("huge", "A very long text"),
        tool("endless", "A line without an end"),
        tool("storm", "Many notifications"),
        tool("hello", "Answer", annotations={"readOnlyHint": True}),
    ]


def text(request: dict[str, object], words: str) -> None:
    send({"id": request["id"], "result": {"content": [{"type": "text", "text": words}]}})


def call(request: dict, name: str) -> None:
    match name:
        case "die" if FILE and not os.path.exists(FILE):
            open(FILE, "w").close()
            os._exit(7)
        case "die":
            text(request, "alive again")
        case "kill":
            print("out of memory", file=sys.stderr, flush=True)
            os._exit(9)
        case "hang":
            pass
        case "trap":
            result = {"content": [], "structuredContent": {"a": "a" * 60 + "!"}}
            send({"id": request["id"], "result": result})
        case "parts":
            parts = [{"type": "text", "text": "before"}, {"type": "hologram"}, {"type": "image"}, "loose"]
            send({"id": request["id"], "result": {"content": parts}})
        case "half":
            text(request, "cut \ud83d here")
        case "shape":
            send({"id": request["id"], "result": {"content": "a text"}})
        case "only":
            send({"id": request["id"], "result": {"structuredContent": {"answer": 42}}})
        case "noise":
            sys.stdout.write("Listening on port 80\n{not json}\n\n[1, 2]\n" + '{"jsonrpc": "1.0"}\n' * 50)
            text(request, "heard")
        case "huge":
            text(request, "begin" + "x" * 3_000_000 + "end\x1b[31m\x07")
        case "endless":
            while True:
                sys.stdout.write("x" * 1_000_000)
        case "storm":
            for number in range(2_000):
                send({"method": "notifications/message", "params": {"level": "info", "data": f"line {number}"}})
                token = request["params"].get("_meta", {}).get("progressToken")
                send({"method": "notifications/progress", "params": {"progressToken": token, "progress": number}})
            text(request, "calm")
        case "change":
            state["changed"] = True
            send({"method": "notifications/tools/list_changed"})
            text(request, "changed")
        case _:
            text(request, "hello")


def answer(request: dict) -> None:
    match request.get("method"):
        case "initialize" if MODE == "hang-at-start":
            pass
        case "initialize" if MODE == "garbage-at-start":
            sys.stdout.write("Welcome!\n" * 20_000)
            sys.stdout.flush()
        case "initialize":
            result = {
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "raw", "version": "1"},
            }
            send({"id": request["id"], "result": result})
        case "tools/list":
            state["lists"] += 1
            if FILE and MODE == "count":
                with open(FILE, "w") as file:
                    file.write(str(state["lists"]))
            send({"id": request["id"], "result": {"tools": tools()}})
        case "tools/call":
            call(request, request["params"]["name"])
        case _ if "id" in request:
            send({"id": request["id"], "error": {"code": -32601, "message": "no such method"}})


def main() -> None:
    if MODE == "dies-at-start":
        print(f"cannot start: bad token {os.environ.get('API_TOKEN')}", file=sys.stderr)
        sys.exit(3)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(FILE, "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
    for line in sys.stdin:
        answer(json.loads(line))
    while MODE == "stubborn":
        time.sleep(1)


main()
