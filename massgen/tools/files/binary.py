"""Files that text tools do not read (WS-140, WS-141). A convenience, no security boundary (WS-142)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from massgen.errors import MassGenError

_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "image": (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".svg", ".webp", ".tiff", ".ico", ".heic"),
    "video": (".mp4", ".avi", ".mov", ".mkv", ".flv", ".wmv", ".webm", ".mpg", ".mpeg", ".m4v"),
    "audio": (".mp3", ".wav", ".ogg", ".flac", ".aac", ".m4a", ".wma"),
    "archive": (".zip", ".tar", ".gz", ".7z", ".rar", ".bz2", ".xz"),
    "document": (".pdf", ".docx", ".xlsx", ".pptx", ".doc", ".xls", ".ppt"),
    "executable": (".exe", ".bin", ".dll", ".so", ".dylib", ".pyc", ".o", ".a", ".class"),
})  # fmt: skip
_GROUP_OF = MappingProxyType({ending: group for group, endings in _GROUPS.items() for ending in endings})
_ADVICE: Mapping[str, str] = MappingProxyType({
    "image": " Please use 'understand_image' tool for image files.",
    "video": " Please use 'understand_video' tool for video files.",
    "audio": " Please use 'understand_audio' tool for audio files.",
    "document": " Please use 'understand_file' tool for document files.",
    "archive": " Please extract it first, then read the contents.",
    "executable": "",
})  # fmt: skip


class BinaryFile(MassGenError):
    """A text tool was asked to read a file of another kind."""


def binary_group(name: str) -> str | None:
    """`image`, `video`, `audio`, `archive`, `document`, `executable` by the file's ending, else None."""
    return _GROUP_OF.get(PurePath(name).suffix.lower())


def refuse_binary(name: str, tool: str, *, created_by_agent: bool = False) -> None:
    """Raise `BinaryFile` for an ending of the table; an agent reads the SVG files it wrote (S-13)."""
    group = binary_group(name)
    if group is None or (created_by_agent and name.lower().endswith(".svg")):
        return
    shown = PurePath(name).name
    article = f"Cannot read {group} file '{shown}' with text-based tool '{tool}'."
    raise BinaryFile(article + _ADVICE[group])


def looks_binary(start: bytes) -> bool:
    """Whether the first bytes of a file show that it is no text (UTF-16 with its mark is text)."""
    return b"\0" in start[:8192] and not start.startswith((b"\xff\xfe", b"\xfe\xff"))
