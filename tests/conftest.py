"""The `spec` mark, and an environment without the keys and settings of the person who runs the tests."""

from __future__ import annotations

import os

import pytest

SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_CREDENTIALS")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spec(*ids): the rows of docs/spec that the test proves")


@pytest.fixture(autouse=True)
def neutral_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No keys, no configuration of the person who runs the tests, no proxies."""
    for name in list(os.environ):
        upper = name.upper()
        personal = upper.endswith((*SECRET_ENDINGS, "_PROXY")) or upper.startswith("MASSGEN_")
        if personal and upper != "MASSGEN_TEST_ALL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
