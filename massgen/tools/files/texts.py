"""Text files read in parts and decoded (WS-123)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from massgen.tools.files.binary import looks_binary
from massgen.tools.files.tool import FileCall, FileToolError
from massgen.workspace.beneath import open_file

PART_CHARACTERS = 100_000
LINE_CHARACTERS = 20_000
EDIT_BYTES = 20_000_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Part(Struct, frozen=True, kw_only=True):
    """Lines `first` to `last` of a file (counted from 1) and whether more follow."""

    text: str
    first: int
    last: int
    more: bool


def read_part(call: FileCall, path: str, offset: int, limit: int | None) -> Part:
    """Lines of the file from `offset` (from 1; negative: that many lines before its end), as many as fit."""
    with os.fdopen(open_file(call.policy, path, "read"), "rb") as stream:
        start = stream.read(8192)
        if looks_binary(start):
            raise FileToolError(f"Cannot read {path} - it is not a text file")
        stream.seek(0)
        lines = iter(stream.read(EDIT_BYTES).decode("utf-16", "replace").splitlines(keepends=True)) if (
            start.startswith(_UTF16)
        ) else _lines(stream, call)  # fmt: skip
        return _last_lines(lines, -offset, limit) if offset < 0 else _lines_from(lines, max(offset, 1), limit)


def whole_text(call: FileCall, path: str) -> str:
    """All of a text file, byte order mark kept; raises `FileToolError` for other or huge files."""
    with os.fdopen(open_file(call.policy, path, "read"), "rb") as stream:
        content = stream.read(EDIT_BYTES + 1)
    if len(content) > EDIT_BYTES:
        raise FileToolError(f"{path} is larger than {EDIT_BYTES // 1_000_000} MB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise FileToolError(f"{path} is not UTF-8 text") from None


def _lines(stream: BinaryIO, call: FileCall) -> Iterator[str]:
    """Decoded lines with their ends; what goes beyond `LINE_CHARACTERS` of one line is replaced by a notice."""
    first = True
    while line := stream.readline(LINE_CHARACTERS):
        call.check_stop()
        cut = 0
        if len(line) == LINE_CHARACTERS and not line.endswith(b"\n"):
            rest = b""
            while (rest := stream.readline(1 << 20)) and not rest.endswith(b"\n"):
                cut += len(rest)
                call.check_stop()
            cut += len(rest)
        text = line.decode("utf-8-sig" if first else "utf-8", "replace")
        first = False
        yield f"{text} [... {cut} more bytes of this line ...]\n" if cut else text


def _lines_from(lines: Iterator[str], first: int, limit: int | None) -> Part:
    taken: list[str] = []
    size = 0
    for number, line in enumerate(lines, 1):
        if number < first:
            continue
        full = limit is not None and len(taken) >= max(limit, 1)
        if full or (taken and size + len(line) > PART_CHARACTERS):
            return Part(text="".join(taken), first=first, last=number - 1, more=True)
        taken.append(line)
        size += len(line)
    return Part(text="".join(taken), first=first, last=first + len(taken) - 1, more=False)


def _last_lines(lines: Iterator[str], count: int, limit: int | None) -> Part:
    kept: deque[tuple[int, str]] = deque()
    size = 0
    for item in enumerate(lines, 1):
        kept.append(item)
        size += len(item[1])
        while len(kept) > count or (len(kept) > 1 and size > PART_CHARACTERS):
            size -= len(kept.popleft()[1])
    chosen = list(kept)[: limit if limit is not None else None]
    first = chosen[0][0] if chosen else 1
    last = chosen[-1][0] if chosen else 0
    return Part(text="".join(line for _, line in chosen), first=first, last=last, more=len(chosen) < len(kept))
