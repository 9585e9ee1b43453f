"""Between the stream and a view: a view that breaks is a bug, never the end of a run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from massgen.events.types import Event

log = logging.getLogger(__name__)


class Shielded:
    """Subscriber that passes events on to `view`; what it raises goes to the log, the first time to stderr too."""

    def __init__(self, what: str, view: Callable[[Event], None]) -> None:
        self._what = what
        self._view = view
        self._told = False

    def __call__(self, event: Event) -> None:
        try:
            self._view(event)
        except Exception as error:
            if not self._told:
                self._told = True
                log.error("exception in the view %s", self._what, exc_info=error)
                print(f"Warning: {self._what} could not be kept up to date ({error!r}).", file=sys.stderr)
