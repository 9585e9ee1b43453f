"""The packaged example configurations (CFG-004, CFG-005, CFG-088)."""

from __future__ import annotations

import os
from pathlib import Path

import massgen

EXAMPLES_PREFIX = "@examples/"
_SPELLINGS = (
    "@examples/configs/",
    "@examples/",
    "@massgen/configs/",
    "@massgen/",
    "massgen/configs/",
    "configs/",
)


def root_directory() -> Path:
    """The directory that `@examples/` stands for."""
    return Path(massgen.__file__).parent / "configs"


def example_names() -> list[str]:
    """All packaged configurations without `.yaml`, by folder; those at the root come first."""
    root = root_directory()
    found: list[str] = []
    for directory, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "resources" and not name.startswith(("_", ".")))
        relative = Path(directory).relative_to(root)
        found += [(relative / name).with_suffix("").as_posix() for name in files if _is_config(name)]
    return sorted(found, key=lambda name: name.rpartition("/")[::2])


def _is_config(name: str) -> bool:
    return name.endswith(".yaml") and not name.endswith((".script.yaml", ".criteria.yaml"))


def example_name(text: str) -> str:
    """`text` without the spellings of the packaged root and without `.yaml`."""
    for prefix in _SPELLINGS:
        if text.startswith(prefix):
            text = text[len(prefix) :]
            break
    return text.removesuffix(".yaml").removesuffix(".yml").strip("/")


def find_example(text: str) -> Path | None:
    """The file of `@examples/...` in any spelling; a short name is the end of exactly one packaged path."""
    name = example_name(text)
    names = example_names()
    if name in names:
        return root_directory() / f"{name}.yaml"
    ends = [candidate for candidate in names if candidate.endswith("/" + name)] if name else []
    return root_directory() / f"{ends[0]}.yaml" if len(ends) == 1 else None


def find_resource(text: str) -> Path | None:
    """The packaged file that `@examples/resources/...` means, or None (CFG-005)."""
    if not text.startswith(EXAMPLES_PREFIX + "resources/"):
        return None
    root = (root_directory() / "resources").resolve()
    path = (root_directory() / text[len(EXAMPLES_PREFIX) :]).resolve()
    return path if path.is_relative_to(root) and path.exists() else None
