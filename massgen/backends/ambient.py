"""What a model call carries beside its arguments: its connect limit, its connection, and where warnings go.

Provider SDKs neither take limits in one way nor report warnings as values, so both travel in a context variable
that is set only while the SDK works.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TextIO


@dataclass(slots=True)
class Ambient:
    """State of one try of one call; `joins` names the wire format whose deltas are joined before the SDK sees them."""

    connect: float
    joins: str = ""
    warnings: list[str] = field(default_factory=list)
    responses: list[Any] = field(default_factory=list)

    async def close(self) -> None:
        """Close what is still open: not every SDK closes its response when its stream is left early."""
        for response in self.responses:
            if not response.is_closed:
                await response.aclose()


CURRENT: ContextVar[Ambient | None] = ContextVar("massgen_model_call", default=None)

_LIBRARIES = r"(pydantic_ai|openai|anthropic|google|massgen\.backends)"


class WarningRoute:
    """Sends warnings raised during a model call to that call; others go where they went before.

    Process-wide while at least one user holds it, because Python's warnings are.
    """

    def __init__(self) -> None:
        self._users = 0
        self._lock = threading.Lock()
        self._show: Any = None
        self._filter: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._show = warnings.showwarning
                warnings.showwarning = self._route
                warnings.filterwarnings("always", category=Warning, module=_LIBRARIES)
                self._filter = warnings.filters[0]

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            if warnings.showwarning == self._route:
                warnings.showwarning = self._show
            if self._filter in warnings.filters:
                warnings.filters.remove(self._filter)  # pyright: ignore[reportAttributeAccessIssue]

    def _route(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        call = CURRENT.get()
        if call is not None:
            call.warnings.append(str(message))
        else:
            self._show(message, category, filename, lineno, file, line)


WARNING_ROUTE = WarningRoute()
