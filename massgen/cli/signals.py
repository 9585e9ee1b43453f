"""Signals of the process, heard by the running event loop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

log = logging.getLogger(__name__)


def hear(name: str, heard: Callable[[], None]) -> bool:
    """Call `heard` at each signal `name` ("SIGTERM"). False where that cannot be, and the signal does what it does by
    itself: the system has no such signal or no loop that hears any (Windows), or the loop is not the main thread's."""
    number = getattr(signal, name, None)
    if number is None:
        return False
    try:
        asyncio.get_running_loop().add_signal_handler(number, heard)
    except (NotImplementedError, RuntimeError) as error:
        log.debug("%s is not heard: %s", name, error)
        return False
    return True


def unhear(name: str) -> None:
    """Leave the signal to what it does by itself; nothing to do once its loop is gone."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.remove_signal_handler(getattr(signal, name))
