"""A server that tries what it is told: `probe(code)` runs Python in it and gives back what it printed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys

TOOL = {"name": "probe", "inputSchema": {"type": "object", "properties": {"code": {"type": "string"}}}}


def probe(code: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(code, {"__name__": "probe"})
        except (OSError, KeyError) as error:
            print(type(error).__name__)
    return out.getvalue().strip()


def result(request: dict) -> dict:
    match request["method"]:
        case "initialize":
            info = {"name": "prober", "version": "1"}
            version = request["params"]["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            return {"content": [{"type": "text", "text": probe(request["params"]["arguments"]["code"])}]}
    raise LookupError(request["method"])


def main() -> None:
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-S", "-c", f"import time; time.sleep(600)  # {sys.argv[-1]}"])
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        answer: dict = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            answer["result"] = result(request)
        except LookupError:
            answer["error"] = {"code": -32601, "message": "no such method"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    while "--stubborn" in sys.argv:
        signal.pause()


if __name__ == "__main__":
    os.umask(0o077)
    main()
