"""Long streams: what is laid out step by step is what is laid out at once, and memory has a bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from massgen.events.types import Body, Content, Event, FinalChunk, SessionStart, StartedStreaming
from massgen.tui.feed import RunFeed
from massgen.tui.flow import Flow
from tests.tui.scene import play, screen_text, until, viewer, write_log

START = SessionStart(question="Why?", agents=("amber",), pid=1)
PIECES = st.lists(st.text(st.sampled_from("ab -\n漢字é\t"), max_size=20), max_size=12)


@settings(max_examples=200)
@given(pieces=PIECES, width=st.integers(4, 30))
def test_text_that_grows_is_laid_out_as_if_it_had_come_at_once(pieces: list[str], width: int):
    grown, whole = Flow(width), Flow(width)
    for piece in pieces:
        grown.add(piece)
    whole.add("".join(pieces))
    assert grown.lines == whole.lines
    assert "".join(whole.lines) == "".join(pieces).replace("\n", "").replace("\t", "    ")
    assert all(cell_len(line.rstrip()) <= width for line in whole.lines)


@pytest.mark.spec("TUI-010")
def test_a_stream_of_any_length_uses_bounded_memory():
    feed = RunFeed()

    def tell(number: int, body: Body) -> None:
        feed.apply(Event(seq=number, timestamp=1.0, turn=1, attempt=1, agent_id="amber", round=0, body=body))

    feed.apply(Event(seq=1, timestamp=1.0, turn=1, attempt=1, agent_id=None, round=0, body=START))
    tell(2, StartedStreaming())
    for number in range(30_000):
        tell(number, Content(content_kind="text", text="twenty characters, ." * 4))
    (round,) = feed.rounds("amber")
    (piece,) = round.pieces
    assert piece.length == 30_000 * 80 and len(piece.text) <= 200_000
    assert piece.text.endswith("twenty characters, .")
    for number in range(10_000):
        tell(number, Content(content_kind="text" if number % 2 else "reasoning", text="other "))
    assert len(round.pieces) <= 2_001
    for number in range(20_000):
        tell(number, FinalChunk(text="word " * 20))
    assert len(feed.state.final_chunks) <= 2_001
    assert sum(map(len, feed.state.final_chunks)) <= 1_300_000


@pytest.mark.spec("TUI-063", "TUI-010")
def test_a_panel_follows_its_end_until_a_person_scrolls_up_and_again_at_the_end(tmp_path: Path):
    def lines(first: int, count: int) -> list[tuple[str | None, Body]]:
        numbers = range(first, first + count)
        return [("amber", Content(content_kind="text", text=f"line{n}.\n")) for n in numbers]

    root = write_log(tmp_path / "log", (None, START), ("amber", StartedStreaming()), *lines(1, 200))
    app = viewer(root)

    async def story(pilot):
        await until(pilot, lambda: "line200." in screen_text(app))
        await pilot.press("1", "pageup")
        await until(pilot, lambda: "line200." not in screen_text(app))
        before = screen_text(app)
        write_log(root, *lines(201, 50), first=300)
        await until(pilot, lambda: app.feed.rounds("amber")[0].pieces[0].text.endswith("line250.\n"))
        await pilot.pause(0.2)
        shown = [line for line in before.splitlines() if "line1" in line]
        assert shown and all(line.strip("│┃ ▁▂▃▄▅▆▇") in screen_text(app) for line in shown)
        await pilot.press("end")
        await until(pilot, lambda: "line250." in screen_text(app))
        write_log(root, *lines(251, 50), first=400)
        await until(pilot, lambda: "line300." in screen_text(app))

    play(app, story)
