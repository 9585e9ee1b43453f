"""Names that no grant includes on its own: state of the program, git's own directory, environment files.

A path below a context path that carries such a name is refused unless the user granted that very path.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from massgen.paths import STATE_DIR

GIT_DIR = ".git"
_TEMPLATES = (".example", ".sample", ".template", ".dist")
_SKIPPED = frozenset({"node_modules", ".venv"})
SCAN_LIMIT = 200_000


def plain_name(name: str) -> str:
    """`name` as the most forgiving file system sees it: case folded, composed, without invisible characters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return visible.rstrip(" .") if visible.strip(" .") else visible


def _is_plain(name: str) -> bool:
    """Most names cannot be another spelling of a name that begins with a dot."""
    return name.isascii() and not name.startswith(".")


def is_secret_name(name: str) -> bool:
    """`.massgen`, `.env` and `.env.*` (templates such as `.env.example` excepted), in any spelling."""
    if _is_plain(name):
        return False
    plain = plain_name(name)
    if plain == STATE_DIR:
        return True
    return plain == ".env" or (plain.startswith(".env.") and not plain.endswith(_TEMPLATES))


def is_git_name(name: str) -> bool:
    """`.git` in any spelling."""
    if _is_plain(name):
        return False
    return plain_name(name) == GIT_DIR


class Sensitive(Struct, frozen=True, kw_only=True):
    """What lies in a tree: `secrets` are denied, `git` is read-only. `complete` is False above `SCAN_LIMIT`."""

    secrets: tuple[Path, ...] = ()
    git: tuple[Path, ...] = ()
    complete: bool = True


def _entries(root: Path) -> Iterator[tuple[str, list[str]]]:
    for directory, folders, files in os.walk(root):
        yield directory, [*folders, *files]
        folders[:] = [
            name for name in folders if name not in _SKIPPED and not is_git_name(name) and not is_secret_name(name)
        ]


def find_sensitive(root: Path) -> Sensitive:
    """The sensitive paths below `root`, so that a sandbox can mask them; blocks, call it in a thread."""
    secrets: list[Path] = []
    git: list[Path] = []
    seen = 0
    for directory, names in _entries(root):
        seen += len(names)
        for name in names:
            if not name.startswith((".", "\u200b", "\u200c", "\u200d")):
                continue
            if is_secret_name(name):
                secrets.append(Path(directory, name))
            elif is_git_name(name):
                git.append(Path(directory, name))
        if seen > SCAN_LIMIT:
            return Sensitive(secrets=tuple(secrets), git=tuple(git), complete=False)
    return Sensitive(secrets=tuple(secrets), git=tuple(git))
