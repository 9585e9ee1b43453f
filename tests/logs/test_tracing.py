from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, TraceFlags, Tracer

from massgen.integrations.tracing import attach_tracing
from tests.views.scene import Scene

FAKE_LOGFIRE = """
import json, logging, os, sys
if os.environ.get("FAKE_LOGFIRE_BREAKS"):
    raise_at_configure = True
else:
    raise_at_configure = False
def configure(**options):
    if raise_at_configure:
        raise OSError("network is unreachable")
    print("CONFIGURED", json.dumps(options))
class LogfireLoggingHandler(logging.Handler):
    def emit(self, record):
        print("FORWARDED", record.getMessage())
def instrument_google_genai():
    print("GEMINI", os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"))
"""
CALL = """\
import logging
from massgen.structured_logging import configure_observability, observability_wanted
print("WANTED", observability_wanted())
print("RESULT", configure_observability({arguments}))
logging.getLogger("massgen").warning("hello from the log")
"""


class Recorded(NonRecordingSpan):
    """A span that remembers what it was told."""

    def __init__(self, number: int, name: str, parent: str | None, attributes: Mapping[str, Any], start: int) -> None:
        super().__init__(SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(1)))
        self.name = name
        self.parent = parent
        self.attributes = dict(attributes)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.start, self.stop = start, 0
        self.status: Status | None = None

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self.events.append((name, dict(attributes or {})))

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        self.stop = end_time or 0


@dataclass
class Recorder(Tracer):
    """A tracer as an SDK would give."""

    spans: list[Recorded] = field(default_factory=list)

    def start_span(self, name: str, context: Any = None, *args: Any, **options: Any) -> Recorded:  # type: ignore[override]
        parent = trace.get_current_span(context) if context is not None else None
        above = parent.name if isinstance(parent, Recorded) else None
        span = Recorded(len(self.spans) + 1, name, above, options.get("attributes") or {}, options["start_time"])
        self.spans.append(span)
        return span

    @contextmanager
    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Iterator[Recorded]:  # type: ignore[override]
        yield self.start_span(name, **options)

    def named(self, name: str) -> Recorded:
        return next(span for span in self.spans if span.name == name)


@pytest.fixture
def traced(tmp_path: Path) -> tuple[Scene, Recorder]:
    scene, recorder = Scene(tmp_path), Recorder()
    attach_tracing(scene.stream, recorder)
    return scene, recorder


@pytest.mark.spec("LOG-114")
def test_a_run_is_a_tree_of_meaningful_spans_only(traced: tuple[Scene, Recorder]) -> None:
    scene, recorder = traced
    scene.told()
    names = [span.name for span in recorder.spans]
    assert names == [
        "coordination.session",
        "Agent answer: agent1.1",
        "Agent answer: agent2.1",
        "Agent vote: ann -> agent2.1",
        "Agent vote: bob -> agent2.1",
        "Winner selected: agent2.1",
        "Final answer: agent2.final",
    ]
    root = recorder.spans[0]
    assert root.attributes["task"] == "What is 2+2?"
    assert (root.attributes["num_agents"], root.attributes["agent_ids"]) == (2, ["ann", "bob"])
    assert [name for name, _ in root.events] == ["coordination_started", "winner_selected"]
    assert {span.parent for span in recorder.spans[1:]} == {"coordination.session"}
    assert all(span.stop >= span.start > 0 for span in recorder.spans)
    answer = recorder.named("Agent answer: agent1.1").attributes
    assert (answer["agent_id"], answer["iteration"], answer["round"]) == ("ann", 1, 0)
    assert recorder.named("Agent vote: ann -> agent2.1").attributes["reason"] == "More comprehensive."
    assert "agent2.1" in recorder.named("Winner selected: agent2.1").attributes["vote_counts"]


@pytest.mark.spec("LOG-115")
def test_a_tool_span_has_the_documented_attributes(traced: tuple[Scene, Recorder]) -> None:
    scene, recorder = traced
    scene.begin()
    scene.round("ann", 1, "refine")
    scene.tool("ann", "mcp__filesystem__write_file", "ok" * 400, number=1)
    scene.tool("ann", "read_media", "no such file", failed=True, number=1)
    good = recorder.named("mcp.filesystem.write_file").attributes
    expected = {
        "agent_id": "ann",
        "tool_name": "mcp__filesystem__write_file",
        "tool_type": "mcp",
        "success": True,
        "execution_time_ms": 94.0,
        "input_chars": 19,
        "output_chars": 800,
        "server_name": "filesystem",
        "arguments_preview": '{"path": "main.py"}',
        "output_preview": "ok" * 100,
        "round_number": 1,
        "round_type": "voting",
        "massgen.agent_id": "ann",
        "tool.name": "mcp__filesystem__write_file",
        "tool.type": "mcp",
        "tool.success": True,
        "tool.execution_time_ms": 94.0,
        "tool.output_chars": 800,
        "tool.arguments_preview": '{"path": "main.py"}',
        "mcp.server": "filesystem",
    }
    assert {name: good[name] for name in expected} == expected
    bad = recorder.named("tool.read_media")
    assert (bad.attributes["tool_type"], bad.attributes["tool.success"]) == ("custom", False)
    assert bad.attributes["tool.error_message"] == bad.attributes["error_message"] == "no such file"
    assert bad.status is not None
    assert not bad.status.is_ok


@pytest.mark.spec("LOG-116")
def test_a_model_span_has_the_documented_attributes(traced: tuple[Scene, Recorder]) -> None:
    scene, recorder = traced
    scene.begin()
    scene.call("ann", (1234, 567), 0.1)
    span = recorder.spans[-1]
    assert span.name.startswith("llm.")
    expected = {
        "massgen.agent_id": "ann",
        "llm.provider": "p",
        "llm.model": "m",
        "llm.operation": "stream",
        "gen_ai.system": "p",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 1234,
        "gen_ai.usage.output_tokens": 567,
    }
    assert {name: span.attributes[name] for name in expected} == expected
    assert span.stop - span.start == pytest.approx(500_000_000, rel=0.01)


@pytest.mark.spec("LOG-111")
def test_a_tracer_that_fails_does_not_end_the_run(tmp_path: Path) -> None:
    class Broken(Recorder):
        def start_span(self, name: str, context: Any = None, *args: Any, **options: Any) -> Recorded:
            raise ConnectionError("exporter is gone")

    scene = Scene(tmp_path)
    attach_tracing(scene.stream, Broken())
    scene.told()
    assert scene.state.complete


@pytest.mark.spec("LOG-111")
def test_without_an_sdk_spans_cost_nothing_and_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(tmp_path)
    attach_tracing(scene.stream)
    scene.told()
    assert capsys.readouterr() == ("", "")


def configured(where: Path, arguments: str, fake: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    """`configure_observability(arguments)` in a process with a stub of the package, or with none."""
    stub = where / "stub"
    stub.mkdir()
    (stub / "logfire.py").write_text(FAKE_LOGFIRE if fake else "raise ModuleNotFoundError('no logfire')")
    env = {"PATH": os.environ["PATH"], "HOME": str(where), "PYTHONPATH": str(stub), **environ}
    return subprocess.run(
        [sys.executable, "-c", CALL.format(arguments=arguments)],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        timeout=250,
        check=True,
    )


@pytest.mark.spec("LOG-110", "LOG-112", "LOG-113", "LOG-114")
def test_the_package_is_configured_with_the_given_names(tmp_path: Path) -> None:
    done = configured(
        tmp_path,
        'enabled=True, service_name="my-app", environment="production"',
        LOGFIRE_TOKEN="token",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
    )
    assert '"service_name": "my-app", "environment": "production"' in done.stdout
    assert "RESULT True" in done.stdout
    assert "GEMINI true" in done.stdout
    assert "FORWARDED hello from the log" in done.stdout


@pytest.mark.spec("LOG-110", "LOG-112")
def test_the_environment_switches_it_on_and_names_it(tmp_path: Path) -> None:
    (tmp_path / ".logfire").mkdir()
    (tmp_path / ".logfire" / "credentials.json").write_text("{}")
    done = configured(
        tmp_path, "", MASSGEN_LOGFIRE_ENABLED="true", LOGFIRE_SERVICE_NAME="team", LOGFIRE_ENVIRONMENT="development"
    )
    assert "WANTED True" in done.stdout
    assert '"service_name": "team", "environment": "development"' in done.stdout


@pytest.mark.spec("LOG-110", "LOG-111")
def test_a_switch_in_another_word_is_said_once_and_switches_nothing_on(tmp_path: Path) -> None:
    done = configured(tmp_path, "", MASSGEN_LOGFIRE_ENABLED="maybe", LOGFIRE_TOKEN="token")
    assert "WANTED False" in done.stdout and "RESULT False" in done.stdout
    assert done.stderr.count("MASSGEN_LOGFIRE_ENABLED must be true or false, not 'maybe'") == 1


@pytest.mark.spec("LOG-112")
def test_the_service_is_called_massgen_by_default(tmp_path: Path) -> None:
    assert '"service_name": "massgen"' in configured(tmp_path, "enabled=True", LOGFIRE_TOKEN="token").stdout


@pytest.mark.spec("LOG-111")
def test_a_missing_package_is_said_in_one_line(tmp_path: Path) -> None:
    done = configured(tmp_path, "enabled=True", fake=False, LOGFIRE_TOKEN="token")
    assert "Logfire not installed. Install with: pip install massgen[observability]" in done.stderr
    assert "RESULT False" in done.stdout


@pytest.mark.spec("LOG-111")
def test_a_missing_login_is_said_in_one_line(tmp_path: Path) -> None:
    done = configured(tmp_path, "enabled=True")
    assert "Logfire requires authentication. Run 'logfire auth' to authenticate" in done.stderr
    assert "RESULT False" in done.stdout


@pytest.mark.spec("LOG-111")
def test_a_package_that_fails_is_said_and_no_more(tmp_path: Path) -> None:
    done = configured(tmp_path, "enabled=True", LOGFIRE_TOKEN="token", FAKE_LOGFIRE_BREAKS="1")
    assert "network is unreachable" in done.stderr
    assert "RESULT False" in done.stdout


@pytest.mark.spec("LOG-111")
def test_an_installation_that_is_broken_is_said_and_no_more(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "logfire.py").write_text("raise RuntimeError('half of it is missing')")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(stub), "LOGFIRE_TOKEN": "token"}
    call = [sys.executable, "-c", CALL.format(arguments="enabled=True")]
    done = subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=250, check=True)
    assert "half of it is missing" in done.stderr
    assert "RESULT False" in done.stdout


@pytest.mark.spec("LOG-111", "LOG-110")
def test_switched_off_nothing_is_imported(tmp_path: Path) -> None:
    done = configured(tmp_path, "", fake=False)
    assert "RESULT False" in done.stdout
    assert done.stderr == "hello from the log\n"
