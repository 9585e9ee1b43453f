"""The screens of these tests speak Unicode and colour, whatever the terminal of the person who runs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from massgen.tui.symbols import has_unicode


@pytest.fixture(autouse=True)
def an_able_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("NO_COLOR", raising=False)
    has_unicode.cache_clear()
    yield
    has_unicode.cache_clear()
