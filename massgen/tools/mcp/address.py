"""Which addresses and launchers a server may have (MCP-060, S-26), checked before and while connecting."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
from urllib.parse import urlsplit

from massgen.errors import MassGenError
from massgen.tools.mcp.settings import McpSecurity, McpServerSettings

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHELL = frozenset(";|&$`<>(){}*?!\n\r\"'\\")


class ServerRefused(MassGenError):
    """A server's address or launcher is not allowed by its `security`."""


def check_launcher(settings: McpServerSettings, cwd: str | None = None, *, here: bool = True) -> None:
    """Raise `ServerRefused` where a stdio server's command is no plain, existing program.

    `here` is False for a server in a container: whether its program exists is seen there.
    """
    command = settings.command
    name = settings.name
    if not command or "\0" in "".join((command, *settings.args)):
        raise ServerRefused(f"MCP server '{name}': the command is empty or not text.")
    if settings.security.level == "high" and _SHELL & set(command if os.sep == "/" else command.replace("\\", "/")):
        raise ServerRefused(
            f"MCP server '{name}': the command '{command}' holds shell characters.",
            hint="Put arguments into 'args', or set security.level to permissive.",
        )
    if not here:
        return
    path = dict(settings.env).get("PATH", os.environ.get("PATH"))
    beside = os.path.join(settings.cwd or cwd or "", command)
    if shutil.which(command, path=path) is None and not (os.sep in command and os.access(beside, os.X_OK)):
        raise ServerRefused(
            f"MCP server '{name}': the command '{command}' was not found.",
            hint="Install it or correct the path.",
        )


def check_url(settings: McpServerSettings) -> None:
    """Raise `ServerRefused` for a URL whose text alone is reason enough."""
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerRefused(f"MCP server '{settings.name}': the URL is not an http(s) URL.")
    if settings.security.level == "permissive":
        return
    local = is_local_name(parts.hostname)
    if parts.scheme == "http" and not local and not settings.security.allow_private_ips:
        raise ServerRefused(
            f"MCP server '{settings.name}': plain http is allowed for localhost only.",
            hint="Use https, or set security.level to permissive.",
        )
    literal = _address(parts.hostname)
    if local and not settings.security.allow_localhost:
        raise ServerRefused(f"MCP server '{settings.name}': localhost is not allowed (security.allow_localhost).")
    if literal is not None:
        refuse_address(settings.name, literal, settings.security)


def refuse_address(name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, security: McpSecurity) -> None:
    """Raise `ServerRefused` where `security` does not allow connecting to `address`."""
    address = _meant(address)
    if security.level == "permissive":
        return
    if address.is_loopback:
        if not security.allow_localhost:
            raise ServerRefused(f"MCP server '{name}': localhost is not allowed (security.allow_localhost).")
        return
    if not address.is_global and not security.allow_private_ips:
        raise ServerRefused(
            f"MCP server '{name}': {address} is a private or link-local address.",
            hint="Set security.allow_private_ips to true if this is your server.",
        )


def _meant(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_local_name(host: str) -> bool:
    """Whether `host` means this machine by its name alone."""
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


async def checked_address(settings: McpServerSettings, host: str) -> str:
    """The address to connect to for `host`; raises `ServerRefused` if any of its addresses is not allowed."""
    literal = _address(host)
    if literal is not None:
        refuse_address(settings.name, literal, settings.security)
        return host
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]).split("%")[0] for entry in found]
    for address in addresses:
        refuse_address(settings.name, ipaddress.ip_address(address), settings.security)
    return next((address for address in addresses if ":" not in address), addresses[0])


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return None
