"""What a terminal does to the program: it is suspended, interrupted, closed, poor in signs or colours."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from massgen.events.codec import read_run
from massgen.events.types import Event, NewAnswer, SessionEnd
from tests.interactive.teams import FINAL, agent_turns, write_team
from tests.interactive.terminal import PATIENCE, Terminal

SLOW = 300.0
DISPLAYS = (("--no-display",), ("--display", "rich_terminal"), ("--display", "textual"))
display = pytest.mark.parametrize("display", DISPLAYS, ids=lambda words: words[-1].removeprefix("--"))
ASK = ("--config", "team.yaml", "Tabs or spaces?")


def half_done(directory: Path) -> None:
    """A team of which one answers at once and one thinks for long."""
    write_team(directory, turns={"birch": agent_turns("birch", delay=SLOW)})


def events(directory: Path) -> list[Event]:
    logs = list((directory / ".massgen" / "massgen_logs").glob("log_2*"))
    return list(read_run(logs[0])) if logs else []


def wait_for(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def wait_for_answer(terminal: Terminal, directory: Path) -> None:
    """Until the first answer stands in the log; the terminal is read meanwhile."""

    def answered() -> bool:
        terminal._read(0.02)
        return any(isinstance(event.body, NewAnswer) for event in events(directory))

    wait_for(answered, "no answer came")


def below(pid: int) -> list[int]:
    """The processes that come from `pid`."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(place.parent.name)] = int(place.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.spec("COORD-123", "AUTO-034", "LOG-050")
@display
def test_a_closed_terminal_ends_the_run_with_its_log_whole_and_no_process_left(tmp_path: Path, display):
    half_done(tmp_path)
    with Terminal(tmp_path, *display, *ASK) as terminal:
        wait_for_answer(terminal, tmp_path)
        started = below(terminal.pid)
        terminal.hang_up()
        terminal.wait()
        wait_for(lambda: not any(map(is_alive, started)), "a process of the run outlived its terminal")
    last = events(tmp_path)[-1].body
    assert isinstance(last, SessionEnd) and last.reason == "cancelled"
    (meta,) = tmp_path.glob(".massgen/sessions/*/turn_1/metadata.json")
    assert '"incomplete"' in meta.read_text()


@pytest.mark.spec("TUI-022", "TUI-023")
@display
def test_ctrl_z_gives_the_shell_back_and_fg_the_program(tmp_path: Path, display):
    half_done(tmp_path)
    with Terminal(tmp_path, program=("/bin/bash", "--norc", "--noprofile", "-i")) as terminal:
        terminal.line("PS1='shell> '")
        terminal.line(" ".join([sys.executable, "-m", "massgen", *display, *ASK[:2], f"'{ASK[2]}'"]))
        wait_for_answer(terminal, tmp_path)
        terminal.send("\x1a")
        terminal.expect("Stopped")
        assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l")
        assert terminal.raw.count(b"\x1b[?25l") <= terminal.raw.count(b"\x1b[?25h")
        terminal.line("echo back$((40 + 2))")
        terminal.expect("back42")
        terminal.expect("shell> ")
        drawn = terminal.raw.count(b"\x1b[?1049h")
        terminal.line("fg")
        terminal.expect("-m massgen")
        terminal.wait_for_program()
        if "textual" in display:
            terminal.expect("birch")
            assert terminal.raw.count(b"\x1b[?1049h") == drawn + 1
        elif "rich_terminal" in display:
            terminal.expect("birch")
        terminal.interrupt()
        if "textual" in display:
            terminal.expect("cancelled")
            terminal.send("\x11")
        else:
            terminal.expect("Partial progress saved")
        terminal.expect("shell> ")
        terminal.line("echo code=$?")
        terminal.expect("code=4")
        terminal.line("exit")
        terminal.wait()


@pytest.mark.spec("TUI-023", "COORD-123")
def test_one_ctrl_c_saves_and_the_application_stays(tmp_path: Path):
    half_done(tmp_path)
    with Terminal(tmp_path, *ASK) as terminal:
        wait_for_answer(terminal, tmp_path)
        terminal.interrupt()
        terminal.expect("cancelled")
        assert b"\x1b[?1049l" not in terminal.raw
        terminal.interrupt()
        assert terminal.wait() == 4
    (meta,) = tmp_path.glob(".massgen/sessions/*/turn_1/metadata.json")
    assert '"incomplete"' in meta.read_text()


@pytest.mark.spec("TUI-022", "TUI-005")
@pytest.mark.parametrize("kind", ["dumb", None])
@display
def test_a_terminal_that_can_nothing_gets_plain_text_whatever_is_asked_for(tmp_path: Path, display, kind: str | None):
    write_team(tmp_path)
    with Terminal(tmp_path, *display, *ASK, environment={"TERM": kind}) as terminal:
        terminal.expect(FINAL)
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.raw


@pytest.mark.spec("TUI-022")
def test_a_locale_without_unicode_gets_ascii_in_the_application(tmp_path: Path):
    write_team(tmp_path)
    with Terminal(tmp_path, *ASK, environment={"LC_ALL": "C"}, size=(80, 24)) as terminal:
        terminal.expect("FINAL ANSWER amber")
        terminal.expect(FINAL)
        terminal.send("\x11")
        assert terminal.wait() == 0
        assert "-- first answer --" in terminal.text
        assert set(re.findall(r"[^\x00-\x7f]", terminal.text)) == set()
    with Terminal(tmp_path, "viewer", environment={"LC_ALL": "C"}, size=(80, 24)) as terminal:
        terminal.expect(FINAL)
        for key, wanted in (("r", "COORDINATION"), ("a", "Answers and votes"), ("t", "Timeline"), ("?", "Anywhere")):
            terminal.send(key)
            terminal.expect(wanted)
            terminal.send("q")
        terminal.send("\x11")
        assert terminal.wait() == 0
        assert set(re.findall(r"[^\x00-\x7f]", terminal.text)) == set()


@pytest.mark.spec("TUI-022")
@display
def test_no_color_means_no_colour(tmp_path: Path, display):
    write_team(tmp_path)
    with Terminal(tmp_path, *display, *ASK, environment={"NO_COLOR": "1", "COLORTERM": "truecolor"}) as terminal:
        terminal.expect(FINAL)
        if "textual" in display:
            terminal.send("\x11")
        elif "rich_terminal" in display:
            terminal.expect("Enter your choice:")
            terminal.line("q")
        assert terminal.wait() == 0
        sequences = re.findall(rb"\x1b\[([0-9;]*)m", terminal.raw)
    for numbers in ([int(n or 0) for n in sequence.split(b";")] for sequence in sequences):
        assert not {*range(31, 37), *range(41, 47), *range(91, 97)} & set(numbers[:1])
        for at, number in enumerate(numbers):
            if number in (38, 48) and numbers[at + 1 : at + 2] == [2]:
                assert len(set(numbers[at + 2 : at + 5])) == 1, "a colour that is no grey"


@pytest.mark.spec("TUI-022")
@display
def test_twenty_four_lines_of_eighty_are_enough(tmp_path: Path, display):
    write_team(tmp_path, [f"agent-{letter}" for letter in "abcdefgh"])
    with Terminal(tmp_path, *display, *ASK, size=(80, 24)) as terminal:
        terminal.expect(FINAL)
        terminal.resize(60, 15)
        terminal.resize(80, 24)
        if "textual" in display:
            terminal.send("\x11")
        elif "rich_terminal" in display:
            terminal.expect("Enter your choice:")
            terminal.line("q")
        assert terminal.wait() == 0
        assert terminal.text.rstrip().endswith(FINAL) or "textual" not in display
