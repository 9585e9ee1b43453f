from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from massgen.errors import ConfigError
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.loading import load_hooks
from massgen.tools.protocol import ToolOutcome
from tests.tools.doubles import call, context, echo, runner

DOCUMENTED = """
hooks:
  PreToolUse:
    - matcher: "*"
      handler: "massgen.hooks.audit_all_tools"
      type: "python"
agents:
  - id: "agent1"
    backend:
      hooks:
        PreToolUse:
          - {matcher: "Write", handler: "massgen.hooks.validate_writes", type: "python", fail_closed: true}
        PostToolUse:
          override: true
          hooks:
            - {handler: "massgen.hooks.log_outputs", type: "python"}
"""

COUNTING = """
from massgen.mcp_tools.hooks import HookResult
seen = []
def note(event):
    seen.append(event.tool_name)
async def refuse(event):
    return HookResult.deny("by file")
value = 3
"""


def outcome_of(hooks: Hooks, name: str = "Write", arguments: Any = None) -> ToolOutcome:
    async def main() -> ToolOutcome:
        [outcome] = await runner([echo(name)], hooks=hooks).run_all([call(name, arguments)], context)
        return outcome

    return asyncio.run(main())


def pre(entry: dict[str, Any], base: Path) -> Hooks:
    return load_hooks({"PreToolUse": [entry]}, None, base=base)


@pytest.mark.spec("HOOK-006", "HOOK-011")
def test_the_documented_yaml_gives_global_then_own_hooks(tmp_path: Path) -> None:
    config = yaml.safe_load(DOCUMENTED)
    hooks = load_hooks(config["hooks"], config["agents"][0]["backend"]["hooks"], base=tmp_path)
    assert [hook.name for hook in hooks.before] == [
        "massgen.hooks.audit_all_tools",
        "massgen.hooks.validate_writes",
    ]
    assert [hook.name for hook in hooks.after] == ["massgen.hooks.log_outputs"]
    assert [hook.fail_closed for hook in hooks.before] == [False, True]
    assert not outcome_of(hooks, arguments={"path": "a"}).is_error
    assert outcome_of(hooks, arguments={"path": "../a"}).is_error


@pytest.mark.spec("HOOK-006")
@pytest.mark.parametrize(("override", "count"), [(True, 1), (False, 2)])
def test_override_drops_the_global_hooks_of_that_event(override: bool, count: int, tmp_path: Path) -> None:
    entry = {"handler": "massgen.hooks.log_outputs"}
    both = {"PreToolUse": [entry], "PostToolUse": [entry]}
    hooks = load_hooks(both, {"PostToolUse": {"override": override, "hooks": [entry]}}, base=tmp_path)
    assert len(hooks.after) == count
    assert len(hooks.before) == 1


@pytest.mark.spec("HOOK-007")
@pytest.mark.parametrize("handler", ["own_hooks.py:refuse", "own_hooks.refuse"])
def test_a_handler_may_lie_beside_the_configuration(handler: str, tmp_path: Path) -> None:
    (tmp_path / "own_hooks.py").write_text(COUNTING)
    assert "by file" in outcome_of(pre({"handler": handler}, tmp_path)).text


@pytest.mark.spec("HOOK-008")
@pytest.mark.parametrize(
    "handler", ["no_such_module.f", "massgen.hooks.nothing", "own_hooks.py:value", "bad.py:f", "leave.py:f", "f"]
)
@pytest.mark.parametrize("event", ["PreToolUse", "PostToolUse"])
def test_a_handler_that_cannot_be_loaded_always_denies(handler: str, event: str, tmp_path: Path) -> None:
    (tmp_path / "own_hooks.py").write_text(COUNTING)
    (tmp_path / "bad.py").write_text("this is no python")
    (tmp_path / "leave.py").write_text("raise SystemExit")
    outcome = outcome_of(
        load_hooks({event: [{"handler": handler, "fail_closed": False}]}, None, base=tmp_path), arguments={"x": 1}
    )
    assert outcome.is_error
    assert "cannot load" in outcome.text
    assert "ran" not in outcome.text


@pytest.mark.parametrize(
    "config",
    [
        ["PreToolUse"],
        {"PreToolUse": "massgen.hooks.log_outputs"},
        {"PreToolUse": [{"matcher": "*"}]},
        {"PreToolUse": [{"handler": "a.b", "type": "shell"}]},
        {"PreToolUse": [{"handler": "a.b", "timeout": 0}]},
        {"PreToolUse": [{"handler": "a.b", "failclosed": True}]},
    ],
)
@pytest.mark.spec("HOOK-007")
def test_a_block_of_the_wrong_shape_is_a_configuration_error(config: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_hooks(config, None, base=tmp_path)


PROGRAM = """
import json, sys
event = json.load(sys.stdin)
if event["tool_input"].get("bad"):
    print(json.dumps({"decision": "deny", "reason": "by program: " + event["tool_name"]}))
elif event["tool_input"].get("crash"):
    sys.exit(3)
elif event["tool_input"].get("garbage"):
    print("no json")
elif event["tool_input"].get("leave"):
    import subprocess
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    open(event["tool_input"]["leave"], "w").write(str(left.pid))
    print(json.dumps({"tool_input": {"n": 3}}))
elif event["tool_input"].get("flood"):
    while True:
        print("y" * 65536)
elif event["tool_input"].get("hang"):
    import time; time.sleep(60)
else:
    print(json.dumps({"tool_input": {"n": 2}}))
"""


def program(tmp_path: Path, **more: Any) -> Hooks:
    (tmp_path / "hook.py").write_text(PROGRAM)
    return pre({"handler": f"{sys.executable} -S hook.py", "type": "command", **more}, tmp_path)


def test_a_program_can_be_a_hook(tmp_path: Path) -> None:
    hooks = program(tmp_path)
    assert "by program: Write" in outcome_of(hooks, arguments={"bad": True}).text
    assert json.loads(outcome_of(hooks, arguments={"n": 1}).text) == {"n": 2}


@pytest.mark.parametrize("how", ["crash", "garbage"])
@pytest.mark.parametrize("fail_closed", [True, False])
def test_a_program_that_fails_is_a_failed_hook(how: str, fail_closed: bool, tmp_path: Path) -> None:
    hooks = program(tmp_path, fail_closed=fail_closed)
    assert outcome_of(hooks, arguments={how: True}).is_error is fail_closed


@pytest.mark.spec("HOOK-007")
def test_what_a_program_leaves_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    place = tmp_path / "left"
    hooks = program(tmp_path, fail_closed=True, timeout=120)
    try:
        assert json.loads(outcome_of(hooks, arguments={"leave": str(place)}).text) == {"n": 3}
    finally:
        os.kill(int(place.read_text()), signal.SIGKILL)


@pytest.mark.spec("HOOK-009")
def test_a_program_that_writes_without_end_is_killed_at_its_limit(tmp_path: Path) -> None:
    hooks = program(tmp_path, fail_closed=True, timeout=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "timed out" in outcome_of(hooks, arguments={"flood": True}).text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    hooks = program(tmp_path, fail_closed=True, timeout=0.3)
    assert "timed out" in outcome_of(hooks, arguments={"hang": True}).text


def test_a_program_that_does_not_exist_is_a_failed_hook(tmp_path: Path) -> None:
    hooks = pre({"handler": "no-such-program --now", "type": "command", "fail_closed": True}, tmp_path)
    assert "cannot start" in outcome_of(hooks).text
