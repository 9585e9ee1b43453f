"""Collects diagnostics, and finds the place of a path in the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from massgen.config.diagnostics import Code, Diagnostic, Level, Path, path_text
from massgen.config.source import Mark, SourceList, SourceMap


@dataclass(slots=True)
class Findings:
    """Diagnostics about `root`, which may still change while they are collected."""

    root: SourceMap
    file: str | None = None
    items: list[Diagnostic] = field(default_factory=list)

    def error(self, path: Path, message: str, suggestion: str | None = None) -> None:
        self.add("error", path, message, suggestion)

    def warning(self, path: Path, message: str, suggestion: str | None = None, code: Code = "") -> None:
        self.add("warning", path, message, suggestion, code)

    def hint(self, path: Path, message: str, suggestion: str | None = None, code: Code = "") -> None:
        self.add("hint", path, message, suggestion, code)

    def add(
        self,
        level: Level,
        path: Path,
        message: str,
        suggestion: str | None = None,
        code: Code = "",
    ) -> None:
        """One finding about the value at `path` of the normalised tree; the file's own path is shown."""
        shown, mark = locate(self.root, path)
        self.put(level, shown, mark, message, suggestion, code)

    def about_key(self, level: Level, holder: SourceMap, key: str, message: str, suggestion: str | None = None) -> None:
        """One finding about a key of `holder`, before or while it is moved."""
        mark = holder.keys_at.get(key, holder.mark)
        self.put(level, holder.path_of(key), mark, message, suggestion)

    def put(
        self,
        level: Level,
        path: Path,
        mark: Mark | None,
        message: str,
        suggestion: str | None = None,
        code: Code = "",
    ) -> None:
        line, column = mark or (None, None)
        self.items.append(
            Diagnostic(
                level=level,
                path=path_text(path),
                message=message,
                suggestion=suggestion,
                file=self.file,
                line=line,
                column=column,
                code=code,
            )
        )


def locate(root: SourceMap, path: Path) -> tuple[Path, Mark | None]:
    """The path in the file, and the place, of the value at `path`; of its deepest holder where it is missing.

    Parts that lead into a scalar or name no key (a union's branch) end the walk.
    """
    shown: Path = root.path
    mark = root.mark
    here: object = root
    for part in path:
        match here:
            case SourceMap() if isinstance(part, str) and part in here:
                shown = here.path_of(part)
                mark = here.values_at.get(part, here.mark)
                here = here[part]
            case SourceMap() if isinstance(part, str):
                return (*here.path, part), here.mark or mark
            case SourceList() if isinstance(part, int) and part < len(here):
                item = here[part]
                shown = item.path if isinstance(item, SourceMap | SourceList) else (*here.path, part)
                mark = here.items_at[part] if part < len(here.items_at) else here.mark
                here = item
            case _:
                break
    return shown, mark
