"""Searching file contents (S-11). The policy opens every file; a child process sees only their contents.

So neither a link that is swapped during the search nor an endless regular expression does harm: contents go
to ripgrep (or the small Python matcher) on standard input, and line numbers come back.
"""

from __future__ import annotations

import bisect
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path

from massgen.tools.files import line_matcher
from massgen.tools.files.binary import binary_group, looks_binary, refuse_binary
from massgen.tools.files.reading import entries_below, printable
from massgen.tools.files.tool import FileCall, FileToolError
from massgen.workspace.beneath import entry_of, read_bytes
from massgen.workspace.grants import PathRefused

MAX_MATCHES = 200
MAX_FILES = 50_000
FILE_BYTES = 5_000_000
BATCH_BYTES = 8_000_000
SHOWN_CHARACTERS = 400
MAX_FORMS = 200
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_ANY_DEPTH = re.compile(r"\*\*/")
SECONDS = 20.0


@dataclass(slots=True)
class _Batch:
    """Contents of several files in one stream, and which lines belong to whom."""

    content: bytearray = field(default_factory=bytearray)
    files: list[Path] = field(default_factory=list)
    first_lines: list[int] = field(default_factory=list)
    lines: int = 0

    def add(self, path: Path, content: bytes) -> None:
        self.files.append(path)
        self.first_lines.append(self.lines)
        self.content += content
        if not content.endswith(b"\n"):
            self.content += b"\n"
        self.lines += content.count(b"\n") + (0 if content.endswith(b"\n") else 1)

    def place(self, number: int) -> tuple[Path, int]:
        """The file and its line (from 1) of line `number` (from 1) of the stream."""
        index = bisect.bisect_right(self.first_lines, number - 1) - 1
        return self.files[index], number - self.first_lines[index]


def grep_search(call: FileCall) -> str:
    """Lines that match a regular expression, as `file:line: text`."""
    pattern = call.text("pattern")
    if not pattern or len(pattern) > 10_000 or "\n" in pattern or "\0" in pattern:
        raise FileToolError("The pattern must be one line of text")
    path = call.text("path") or "."
    shown: list[str] = []
    read: set[Path] = set()
    for batch in _batches(call, path):
        for number, line in _matches(call, bytes(batch.content), pattern):
            file, at = batch.place(number)
            if len(shown) >= MAX_MATCHES:
                return "\n".join([*shown, f"[more than {MAX_MATCHES} matches; narrow the search]"])
            text = line.decode("utf-8", "replace").rstrip()
            text = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " [...]"
            shown.append(f"{printable(call.shown(file))}:{at}: {text}")
            read.add(file)
        call.check_stop()
    for file in read:
        call.tracker.track_read(file)
    return "\n".join(shown) or "No matches."


def _batches(call: FileCall, path: str) -> Iterator[_Batch]:
    batch = _Batch()
    only = call.policy.resolve(path, "read")
    for file in _files(call, path, call.text("include")):
        call.check_stop()
        try:
            content = read_bytes(call.policy, str(file), limit=FILE_BYTES)
        except (OSError, PathRefused):
            if file == only:
                raise
            continue  # vanished, or swapped for something else, while the tree was searched
        if looks_binary(content):
            continue
        batch.add(file, content)
        if len(batch.content) >= BATCH_BYTES:
            yield batch
            batch = _Batch()
    if batch.files:
        yield batch


def _files(call: FileCall, path: str, include: str) -> Iterator[Path]:
    real = call.policy.resolve(path, "read")
    if not real.is_dir():
        refuse_binary(real.name, call.called_as, created_by_agent=call.tracker.created(real))
    start = entry_of(call.policy, path)
    if start.kind == "file":
        yield start.path
        return
    for entry in entries_below(call, path, MAX_FILES):
        if entry.kind != "file" or binary_group(entry.name) is not None:
            continue
        if not include or fits(entry.path.relative_to(start.path), (include,)):
            yield entry.path


def fits(relative: Path, patterns: Sequence[str]) -> bool:
    """Whether a relative path, or its name alone, fits one of the globs; `**/` may stand for no directory, and
    `{a,b}` for either."""
    whole = relative.as_posix()
    return any(
        fnmatchcase(relative.name, form) or fnmatchcase(whole, form) for pattern in patterns for form in _forms(pattern)
    )


@lru_cache(maxsize=64)
def _forms(pattern: str) -> tuple[str, ...]:
    """The globs that `pattern` stands for, itself among them."""
    forms = [pattern.removeprefix("./")]
    for form in forms:
        if len(forms) >= MAX_FORMS:
            break
        if (found := _BRACES.search(form)) is not None:
            forms += [form[: found.start()] + part + form[found.end() :] for part in found[1].split(",")]
        else:
            forms += [form[: found.start()] + form[found.end() :] for found in _ANY_DEPTH.finditer(form)]
    return tuple(dict.fromkeys(forms))


@cache
def ripgrep() -> str | None:
    """The program `rg`, looked up once."""
    return shutil.which("rg")


def _matches(call: FileCall, content: bytes, pattern: str) -> Iterator[tuple[int, bytes]]:
    ignore_case = call.flag("ignore_case")
    rg = ripgrep()
    if rg is not None:
        command = [rg, "--no-config", "--line-number", "--no-filename", "--color=never", "--text"]
        command += ["--ignore-case"] if ignore_case else []
        result = _run(call, [*command, "-e", pattern, "-"], content)
    if rg is None or result.returncode == 2:  # Python knows forms that ripgrep does not, such as lookahead
        matcher = [sys.executable, "-I", "-S", str(Path(line_matcher.__file__))]
        result = _run(call, [*matcher, pattern, "i" if ignore_case else "-"], content)
    if result.returncode not in (0, 1):
        words = result.stderr.decode(errors="replace").strip()[:300]
        raise FileToolError(f"Bad pattern: {words}")
    for line in result.stdout.split(b"\n"):
        number, parted, text = line.partition(b":")
        if parted and number.isdigit():
            yield int(number), text


def _run(call: FileCall, command: list[str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a matcher; it is killed when it takes too long or nobody waits for the search any more."""
    environment = {"PATH": os.environ.get("PATH", "")}
    pipe = subprocess.PIPE
    deadline = time.monotonic() + SECONDS
    unsent: bytes | None = content
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
        while True:
            try:
                out, err = process.communicate(unsent, timeout=0.1)
                return subprocess.CompletedProcess(command, process.returncode, out, err)
            except subprocess.TimeoutExpired:
                unsent = None
            if call.stop.is_set() or time.monotonic() > deadline:
                process.kill()
                call.check_stop()
                raise FileToolError(f"The search took longer than {SECONDS:.0f}s; use a simpler pattern")
