"""A component swapped for a link while tools are at work never leads outside."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from massgen.tools.files.toolset import file_tools
from tests.tools.doubles import call, context, runner
from tests.tools.files.place import Place

SECRET = "TOP SECRET"
ROUNDS = 60


class Swapper(threading.Thread):
    """Turns `name` into a link to `target` and back, as fast as it can, until told to stop."""

    def __init__(self, name: Path, target: Path) -> None:
        super().__init__(daemon=True)
        self.name_, self.target, self.ended = name, target, threading.Event()

    def run(self) -> None:
        aside, trap = self.name_.with_name("aside"), self.name_.with_name("trap")
        trap.symlink_to(self.target)
        while not self.ended.is_set():
            self._try(os.rename, self.name_, aside)
            self._try(os.rename, trap, self.name_)
            if self.name_.is_symlink():
                self._try(os.rename, self.name_, trap)
            self._try(os.rename, aside, self.name_)
            self._try(shutil.rmtree, aside)

    @staticmethod
    def _try(step: Callable[..., object], *paths: Path) -> None:
        """Tools move and make things in between, so any step may fail."""
        with suppress(OSError):
            step(*paths)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_file", {"path": "swap/secret.txt"}),
        ("grep_search", {"pattern": "SECRET", "path": "."}),
        ("copy_file", {"source_path": "swap/secret.txt", "destination_path": "copy.txt"}),
        ("compare_files", {"file1": "swap/secret.txt", "file2": "ok.txt"}),
        ("write_file", {"path": "swap/secret.txt", "content": "mine"}),
        ("edit_file", {"path": "swap/secret.txt", "edits": [{"oldText": "mine", "newText": "mine too"}]}),
        ("move_file", {"source": "swap/secret.txt", "destination": "moved.txt"}),
        ("delete_file", {"path": "swap/secret.txt"}),
    ],
)
@pytest.mark.spec("WS-053")
def test_a_directory_swapped_during_the_call_leads_nowhere(place: Place, tool: str, arguments: dict[str, Any]) -> None:
    (place.workspace / "swap").mkdir()
    (place.workspace / "ok.txt").write_text("fine")
    mine = place.workspace / "swap/secret.txt"
    place.tracker.track_read(mine)
    place.tracker.track_read(place.outside / "secret.txt")
    tools = runner(file_tools(place.policy, tracker=place.tracker))

    async def main() -> list[str]:
        texts = []
        for _ in range(ROUNDS):
            [outcome] = await tools.run_all([call(tool, arguments)], context)
            texts.append(outcome.text)
        return texts

    mine.write_text("mine")
    swapper = Swapper(place.workspace / "swap", place.outside)
    swapper.start()
    try:
        texts = asyncio.run(main())
    finally:
        swapper.ended.set()
        swapper.join()
    assert not [text for text in texts if SECRET in text]
    assert all(texts)
    assert (place.outside / "secret.txt").read_text() == SECRET
    assert os.listdir(place.outside) == ["secret.txt"]
    assert not (place.workspace / "copy.txt").exists() or SECRET not in (place.workspace / "copy.txt").read_text()
