"""The marks, and an environment without the keys and settings of the person who runs the tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent
SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_CREDENTIALS")
SLOW = (
    "clients/",
    "commands/",
    "custom_tools/",
    "faults/",
    "interactive/",
    "mcp/",
    "resume/",
    "runs/",
    "sandbox/",
    "server/",
    "tui/",
    "wizard/",
    "api/",
    "engine/test_chaos.py",
    "coordination/test_random_teams.py",
    "coordination/test_stateful.py",
    "logs/",
    "backends/test_faults.py",
    "backends/test_tables.py",
    "config/test_yaml.py",
    "house/test_imports.py",
    "house/test_quick_commands.py",
    "testing/test_faults.py",
    "testing/test_formats.py",
    "testing/test_program.py",
    "tools/files/test_races.py",
    "tools/files/test_server.py",
    "workspace/test_attacks.py",
    "workspace/test_layout.py",
    "workspace/test_policy_model.py",
    "workspace/test_projects.py",
)
"""Folders and modules that `make quick` leaves out, beside what carries the mark itself."""

MARKERS = (
    "spec(*ids): the rows of docs/spec that the test proves",
    "slow: takes more than a few seconds; `make quick` leaves it out",
    "soak: long form, for `make soak` only",
)


def pytest_configure(config: pytest.Config) -> None:
    _hear_signals()
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    # Property tests must not depend on how fast the machine is.
    settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    settings.load_profile("house")


def _hear_signals() -> None:
    """Programs that tests start hear signals, also where the tests themselves run in the background or under nohup."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGQUIT", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark slow modules. `soak` tests run only with MASSGEN_SOAK=1; they are left out, not skipped."""
    for item in items:
        if item.path.relative_to(ROOT).as_posix().startswith(SLOW):
            item.add_marker("slow")
    if os.environ.get("MASSGEN_SOAK") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def neutral_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No keys, no configuration of the person who runs the tests, no proxies."""
    for name in list(os.environ):
        upper = name.upper()
        personal = upper.endswith((*SECRET_ENDINGS, "_PROXY")) or upper.startswith("MASSGEN_")
        if personal and upper not in ("MASSGEN_TEST_ALL", "MASSGEN_SOAK"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
