"""One configured MCP server as a value, and reading it from the raw configuration (MCP-001, MCP-020 to MCP-023)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from msgspec import Struct

from massgen.config.secrets import looks_secret, worth_masking

Transport = Literal["stdio", "streamable-http", "sse"]

CALL_TIMEOUT = 60.0
RESERVED_NAMES = frozenset(
    (
        "command_line",
        "workspace_tools",
        "filesystem",
        "planning",
        "memory",
        "subagents",
        "massgen_custom_tools",
    )
)
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTHORIZATION)$", re.IGNORECASE)


class McpSecurity(Struct, frozen=True, kw_only=True):
    """`security` of a server (MCP-060, S-26)."""

    level: Literal["high", "permissive"] = "high"
    allow_localhost: bool = True
    allow_private_ips: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServerSettings:
    """One server, ready to be started: variables are replaced, the transport is known.

    `stateless` lets several agents of a run share one connection. `sandbox` is None where the configuration does
    not say; that means outside. `secrets` are values that must not be shown.
    """

    name: str
    transport: Transport
    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    url: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cwd: str = ""
    timeout_seconds: float = CALL_TIMEOUT
    allowed_tools: tuple[str, ...] | None = None
    exclude_tools: tuple[str, ...] = ()
    security: McpSecurity = field(default_factory=McpSecurity)
    stateless: bool = False
    sandbox: bool | None = None
    usage_notes: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def sandboxed(self) -> bool:
        """Whether it is a local server that runs in its agent's sandbox."""
        return self.transport == "stdio" and bool(self.sandbox)

    @property
    def shared(self) -> bool:
        """Whether agents share it: a sandbox is always one agent's."""
        return self.stateless and not self.sandboxed

    @property
    def address(self) -> str:
        """What is started or called, for messages; may hold secrets, so mask it before it is shown."""
        return self.url or " ".join((self.command, *self.args))


class ParsedServers(Struct, frozen=True, kw_only=True):
    """What a `mcp_servers` value gave. `errors` make the configuration invalid, `warnings` are for a run too
    (a server was left out), `hints` are for `--validate` only."""

    servers: tuple[McpServerSettings, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def parse_servers(
    raw: object, *, environ: Mapping[str, str], cwd: str = "", replaces: frozenset[str] = frozenset()
) -> ParsedServers:
    """Read `backend.mcp_servers`, a list of entries (maps or typed sections) or a mapping of name to entry (S-23).

    `${NAME}` is taken from `environ`, `${cwd}` is `cwd`; an entry whose variable is not set is left out
    (MCP-023). `replaces` are the framework servers (MCP-012) that a user's server may take the place of.
    """
    reading = _Reading(environ=environ, cwd=cwd)
    for name, entry in reading.entries(raw):
        reading.add(name, entry)
    for server in reading.servers:
        if server.name in RESERVED_NAMES - replaces:
            reading.warnings.append(f"MCP server '{server.name}' takes the name of a framework server and replaces it.")
    return ParsedServers(
        servers=tuple(reading.servers),
        errors=tuple(reading.errors),
        warnings=tuple(reading.warnings),
        hints=tuple(reading.hints),
    )


class _Reading:
    """The state of reading one `mcp_servers` value."""

    def __init__(self, *, environ: Mapping[str, str], cwd: str) -> None:
        self.environ = environ
        self.cwd = cwd
        self.servers: list[McpServerSettings] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.hints: list[str] = []
        self.names: set[str] = set()

    def entries(self, raw: object) -> list[tuple[str, Mapping[str, Any]]]:
        pairs: list[tuple[str, object]] = []
        if raw is None:
            return []
        if isinstance(raw, Mapping):
            pairs = [(str(name), entry) for name, entry in raw.items()]
        elif isinstance(raw, Sequence) and not isinstance(raw, str):
            raw = [entry.model_dump(exclude_unset=True) if hasattr(entry, "model_dump") else entry for entry in raw]
            pairs = [(str(entry.get("name") or "") if isinstance(entry, Mapping) else "", entry) for entry in raw]
        else:
            self.errors.append("mcp_servers must be a list of servers or a mapping of name to server.")
        good = []
        for name, entry in pairs:
            if isinstance(entry, Mapping):
                good.append((name, entry))
            else:
                self.errors.append(f"MCP server '{name or len(good) + 1}' must be a mapping.")
        return good

    def add(self, name: str, entry: Mapping[str, Any]) -> None:
        missing: set[str] = set()
        used: set[str] = set()
        values = {str(key): self._replaced(value, missing, used) for key, value in entry.items()}
        if not name:
            from massgen.config.normalise_agents import derived_name

            name = self._unused(derived_name(values.get("command"), values.get("args"), values.get("url")))
            self.hints.append(f"An MCP server has no name; it is called '{name}'.")
        elif name in self.names:
            self.errors.append(f"Two MCP servers are named '{name}'.")
            return
        self.names.add(name)
        if missing:
            variables = ", ".join(f"${{{variable}}}" for variable in sorted(missing))
            self.warnings.append(f"MCP server '{name}' is left out: {variables} is not set.")
            return
        problem = _problem(values)
        if problem:
            self.errors.append(f"MCP server '{name}': {problem}")
            return
        server = _settings(name, values, used | self._secrets_in(values))
        self.servers.append(server)
        if server.sandbox and server.transport != "stdio":
            self.hints.append(f"MCP server '{name}' is remote: 'sandbox' means nothing for it.")
        elif server.sandboxed and server.stateless:
            self.hints.append(f"MCP server '{name}' runs in a sandbox for each agent; 'stateless' means nothing then.")

    def _replaced(self, value: object, missing: set[str], used: set[str]) -> object:
        if isinstance(value, str):

            def variable(match: re.Match[str]) -> str:
                found = self.environ.get(match[1])
                if found is None:
                    missing.add(match[1])
                    return match[0]
                used.add(found)
                return found

            return _VARIABLE.sub(variable, value.replace("${cwd}", self.cwd) if self.cwd else value)
        if isinstance(value, Mapping):
            return {str(key): self._replaced(item, missing, used) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self._replaced(item, missing, used) for item in value]
        return value

    def _secrets_in(self, values: Mapping[str, object]) -> set[str]:
        """Values of secret variables in an entry whose variables were replaced before it came here."""
        text = str([values.get(key) for key in ("command", "args", "url", "env", "headers")])
        secrets = {value for name, value in self.environ.items() if len(value) >= 8 and _SECRET_NAME.search(name)}
        return {value for value in secrets if value in text}

    def _unused(self, name: str) -> str:
        candidate, number = name, 2
        while candidate in self.names:
            candidate, number = f"{name}_{number}", number + 1
        return candidate


def _problem(values: Mapping[str, object]) -> str:
    kind = values.get("type") or _inferred(values)
    args = values.get("args")
    if kind not in ("stdio", "streamable-http", "sse"):
        return "needs 'command' (stdio) or 'url' (streamable-http, sse)." if not kind else f"unknown type '{kind}'."
    if kind == "stdio" and not isinstance(values.get("command"), str):
        return "a stdio server needs 'command'."
    if kind != "stdio" and not isinstance(values.get("url"), str):
        return f"a {kind} server needs 'url'."
    if args is not None and not isinstance(args, list):
        return "'args' must be a list."
    for key in ("env", "headers", "security"):
        if values.get(key) is not None and not isinstance(values[key], Mapping):
            return f"'{key}' must be a mapping."
    timeout = values.get("timeout_seconds")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0):
        return "'timeout_seconds' must be a positive number."
    for key in ("sandbox", "stateless"):
        if values.get(key) is not None and not isinstance(values[key], bool):
            return f"'{key}' must be true or false."
    security = values.get("security")
    if isinstance(security, Mapping) and security.get("level", "high") not in ("high", "permissive"):
        return "'security.level' must be high or permissive."
    return ""


def _inferred(values: Mapping[str, object]) -> str:
    if values.get("command"):
        return "stdio"
    return "streamable-http" if values.get("url") else ""


def _settings(name: str, values: Mapping[str, Any], used: set[str]) -> McpServerSettings:
    env = tuple((key, _text(value)) for key, value in (values.get("env") or {}).items())
    headers = tuple((key, _text(value)) for key, value in (values.get("headers") or {}).items())
    shown = {value for key, value in (*env, *headers) if _SECRET_NAME.search(key)}
    shown |= {value for _, value in env if worth_masking(value) and looks_secret(value)}
    allowed = values.get("allowed_tools")
    security = values.get("security") or {}
    return McpServerSettings(
        name=name,
        transport=cast(Transport, values.get("type") or _inferred(values)),
        command=values.get("command") or "",
        args=tuple(_text(value) for value in values.get("args") or ()),
        url=values.get("url") or "",
        headers=headers,
        env=env,
        cwd=_text(values.get("cwd") or ""),
        timeout_seconds=float(values.get("timeout_seconds") or CALL_TIMEOUT),
        allowed_tools=None if allowed is None else _names(allowed),
        exclude_tools=_names(values.get("exclude_tools") or ()),
        security=McpSecurity(
            level=security.get("level", "high"),
            allow_localhost=bool(security.get("allow_localhost", True)),
            allow_private_ips=bool(security.get("allow_private_ips", False)),
        ),
        stateless=bool(values.get("stateless", False)),
        sandbox=values.get("sandbox"),
        usage_notes=_text(values.get("usage_notes") or ""),
        secrets=tuple(sorted(shown | {value for value in used if value}, key=len, reverse=True)),
    )


def _names(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)  # type: ignore[union-attr]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
