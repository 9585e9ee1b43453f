"""Answers to read: laid out, as they are written, and copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.events.types import AttemptStart, FactRecorded, NewAnswer, StartedStreaming
from tests.tui.scene import play, screen_text, until, viewer, write_log
from tests.tui.test_viewer import START

EVIL = (
    "# Tabs\n\n**Never** `\x1b[2J` &#x202e;desrever &#27;[31m [red]markup[/red] <b>html</b>\n\n"
    "[a link](https://evil.example/) ![picture](file:///etc/passwd)\n\n```python\nx = '\x1b]52;c;AA\x07'\n```\n"
)


def answered(root: Path, text: str) -> Path:
    return write_log(
        root,
        (None, START),
        (None, AttemptStart()),
        ("amber", StartedStreaming()),
        ("amber", FactRecorded(fact="AnswerProposed", at=0.0, values={"text": text})),
        ("amber", NewAnswer(label="agent1.1", preview="Never")),
    )


@pytest.mark.spec("TUI-014")
@pytest.mark.parametrize("opening", [("a",), ("a", "enter")])
def test_an_answer_is_laid_out_and_a_key_shows_it_as_written_and_another_copies_it(
    tmp_path: Path, opening: tuple[str, ...]
):
    app = viewer(answered(tmp_path, EVIL))

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.answers) and bool(app.panels))
        await pilot.press(*opening)
        await until(pilot, lambda: "Never" in screen_text(app) and "**Never**" not in screen_text(app))
        laid_out = screen_text(app)
        await pilot.press("v")
        await until(pilot, lambda: "**Never**" in screen_text(app) and "# Tabs" in screen_text(app))
        assert "<b>html</b>" in screen_text(app)
        for text in (laid_out, screen_text(app)):
            assert "[red]markup[/red]" in text
            assert not any(sign in text for sign in "\x1b\x07\u202e\u009b")
        links = [s.style.link for line in app.screen._compositor.render_strips() for s in line if s.style]
        assert not any(links)
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.startswith("# Tabs\n\n**Never**"))
        assert "\x1b" not in app.clipboard
        await pilot.press("v")
        await until(pilot, lambda: "**Never**" not in screen_text(app))

    play(app, story, (100, 40))


@pytest.mark.spec("TUI-014")
def test_a_huge_answer_opens_as_it_is_written(tmp_path: Path):
    app = viewer(answered(tmp_path, "**word** " * 20_000))

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.answers) and bool(app.panels))
        await pilot.press("a")
        await until(pilot, lambda: "**word**" in screen_text(app))

    play(app, story)
