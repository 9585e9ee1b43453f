"""Ports for programs that have to be told one before they listen."""

from __future__ import annotations

import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def quiet_port() -> int:
    """A free port that the system gives to nobody who asks for any, so that it stays free until it is used."""
    first = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32768
    while True:
        port = random.randrange(10_000, first) if first > 11_000 else 0
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return one.getsockname()[1]
