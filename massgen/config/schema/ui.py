"""What people see."""

from typing import Annotated, ClassVar, Literal

from massgen.config.schema.base import Flag, Section, doc

DisplayType = Literal["textual", "rich_terminal", "simple"]


class UiConfig(Section):
    """Display and logging."""

    also: ClassVar[dict[str, str]] = {"display_type: textual_terminal": "the same as `textual`"}

    display_type: Annotated[
        DisplayType | None,
        doc("textual, rich_terminal or simple; left out: textual on a terminal, simple elsewhere."),
    ] = None
    logging_enabled: Annotated[Flag, doc("Write the text logs of a run.")] = True
