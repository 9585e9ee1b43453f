"""One connection to one server: start, list, call, reconnect, give up (MCP-061, MCP-063, MCP-064, S-27).

An owner task (`run`) holds the connection; calls come from other tasks. What ends a connection is told to the
owner through `_ended`; it reconnects after growing delays and, after three strikes, leaves the server off until
`new_turn`. A strike is a series of attempts that all failed, or a connection that ended without one good call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from massgen.errors import MassGenError
from massgen.tools.mcp.address import check_launcher, check_url, checked_address
from massgen.tools.mcp.bounds import masked, one_line
from massgen.tools.mcp.clocks import CallClocks
from massgen.tools.mcp.listing import Listing, OfferedTool, read_listing
from massgen.tools.mcp.place import ServerPlace
from massgen.tools.mcp.process import ServerProcess, launcher, stdio_streams
from massgen.tools.mcp.questions import Questions, elicitation
from massgen.tools.mcp.settings import McpServerSettings
from massgen.tools.mcp.sift import misfit, sifted

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client.subscriptions import Subscription
    from mcp_types import CallToolResult

Status = Literal["idle", "starting", "ready", "waiting", "down", "off"]
STRIKES = 3
TIMEOUTS_IN_A_ROW = 3
MAX_LIST_CHANGES = 50
SUBSCRIBE_TIMEOUT = 5.0
CONNECTION_CLOSED = -32000


class LinkLimits(Struct, frozen=True, kw_only=True):
    """Seconds: of one start, and between the attempts of a series (S-27)."""

    connect: float = 30.0
    delays: tuple[float, ...] = (1.0, 2.0, 4.0)


class ServerUnavailable(MassGenError):
    """The server cannot be asked now; the message is for the model."""


class ConnectionLost(ServerUnavailable):
    """The connection ended while the call was under way."""


class ServerLink:
    """The connection of one agent, or of several where the server is stateless."""

    def __init__(
        self,
        settings: McpServerSettings,
        *,
        warn: Callable[[str], None],
        limits: LinkLimits,
        place: ServerPlace,
        cwd: Path | None = None,
        questions: Questions | None = None,
        agent_ids: tuple[str, ...] = (),
    ) -> None:
        self.settings = settings
        self.status: Status = "idle"
        self.reason = ""
        self.listing = Listing()
        self.place = place
        self._warn = lambda text: warn(masked(one_line(text), settings.secrets))
        self._limits = limits
        self._cwd = cwd
        self._questions = questions
        self._agent_ids = agent_ids
        self._client: Client | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._wake = asyncio.Event()
        self._list_changed = asyncio.Event()
        self._clocks = CallClocks()
        self._strikes = 0
        self._timeouts = 0
        self._good_calls = 0
        self._renewing = False

    # -- the owner task

    async def run(self) -> None:
        """Hold the connection until cancelled."""
        connected = await self._hold("starting")
        if not connected:
            self._warn(f"{self._title} could not be started: {self.reason.rstrip('.')}. Its tools are missing.")
            self._become("off")
        while True:
            if self.status in ("off", "down"):
                self._wake.clear()
                await self._wake.wait()
            connected = False
            for delay in (0.0, *self._limits.delays) if self._renewing else self._limits.delays:
                self._become("waiting")
                await asyncio.sleep(delay)
                if connected := await self._hold("waiting"):
                    break
            if not connected:
                self._strike("down")

    async def _hold(self, status: Status) -> bool:
        """Connect and stay until the connection ends; False where it could not be made."""
        self._become(status)
        self._ended.clear()
        made = False
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._limits.connect):
                    client = await self._connect(stack)
                    # Before the list is read, so that no change falls between.
                    changes = await _subscribed(client, stack)
                    self.listing = await read_listing(client, self.listing, self._title, self._warn)
                made, self._client, self._good_calls, self._timeouts = True, client, 0, 0
                self._renewing = False
                self._become("ready")
                self.renew()
                async with asyncio.TaskGroup() as group:
                    watch = group.create_task(self._watch_list(client, changes))
                    await self._ended.wait()
                    watch.cancel()
                    self._client = None
                    self._become("waiting")
        except TimeoutError:
            self.reason = self.reason or f"no answer within {self._limits.connect:g} s"
        except Exception as error:  # noqa: BLE001 - a foreign server: whatever goes wrong with it stays with it
            self.reason = self._explained(error)
        finally:
            self._client = None
        if made and not self._renewing:
            self._warn(f"{self._title} was lost: {self.reason.rstrip('.')}. Reconnecting.")
            self._strikes = 0 if self._good_calls else self._strikes
            if not self._good_calls:
                self._strike("waiting")
        return made

    async def _connect(self, stack: AsyncExitStack) -> Client:
        settings = self.settings
        self.reason = ""
        if settings.transport == "stdio":
            here = self.place.here
            program = launcher(settings, here=here)
            check_launcher(replace(settings, command=program), str(self._cwd) if self._cwd else None, here=here)
            process = ServerProcess(stderr=deque(maxlen=20), on_end=self.lost)
            stack.callback(self._remember, process)
            streams = stdio_streams(settings, self.place, self._cwd, process)
        else:
            check_url(settings)
            import httpx2

            await checked_address(settings, httpx2.URL(settings.url).host)
            streams = await self._http_streams(stack)
        from mcp import Client

        callback = None
        if self._questions is not None:
            callback = elicitation(settings.name, self._agent_ids, self._questions, self._clocks, settings.secrets)
        return await stack.enter_async_context(
            Client(
                sifted(streams, self._mended), cache=None, elicitation_callback=callback, message_handler=self._heard
            )
        )

    async def _http_streams(self, stack: AsyncExitStack) -> Any:
        from mcp.client.sse import sse_client
        from mcp.client.streamable_http import streamable_http_client

        from massgen.tools.mcp.http import http_client

        if self.settings.transport == "sse":

            def make(headers: object = None, timeout: object = None, auth: object = None) -> Any:
                return http_client(self.settings, self.lost)

            return sse_client(self.settings.url, httpx_client_factory=make)
        client = await stack.enter_async_context(http_client(self.settings, self.lost))
        return streamable_http_client(self.settings.url, http_client=client)

    # -- what ends or changes a connection

    def lost(self, reason: str) -> None:
        """The connection is of no use any more; the owner makes another one."""
        self.reason = self.reason or reason
        self._ended.set()

    def renew(self) -> None:
        """Start the server anew where its place has become another one (the agent's phase changed what it may
        touch); calls wait for that."""
        if self._client is not None and self.place.outdated:
            self._renewing = True
            self._client = None
            self._become("waiting")
            self._ended.set()

    def new_turn(self) -> None:
        """A server that was given up is tried again (MCP-063)."""
        self._strikes = 0
        if self.status == "off":
            self._become("down")
            self._wake.set()

    def _mended(self, what: str) -> None:
        self._warn(f"{self._title}: {what}")

    def _remember(self, process: ServerProcess) -> None:
        words = process.last_words()
        if words and words not in self.reason:
            self.reason = f"{self.reason or 'it ended'} ({words})"

    async def _heard(self, message: object) -> None:
        from mcp_types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self._list_changed.set()

    async def _watch_list(self, client: Client, changes: Subscription | None) -> None:
        """Read the list again whenever the server says that it changed, a bounded number of times."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_passed_on(changes, self._list_changed))
            for _ in range(MAX_LIST_CHANGES):
                await self._list_changed.wait()
                self._list_changed.clear()
                await self._read_again(client)
            listening.cancel()
        self._warn(f"{self._title} changed its tools {MAX_LIST_CHANGES} times; further changes are not followed.")

    async def _read_again(self, client: Client) -> None:
        from mcp import MCPError

        try:
            async with asyncio.timeout(self._limits.connect):
                self.listing = await read_listing(client, self.listing, self._title, self._warn)
        except (MCPError, TimeoutError, ValueError) as error:
            self._warn(f"{self._title}: its changed tool list could not be read: {self._explained(error)}")

    def _strike(self, status: Status) -> None:
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._warn(f"{self._title} is off for the rest of this turn: {self.reason.rstrip('.')}.")
            status = "off"
        self._become(status)

    def _become(self, status: Status) -> None:
        self.status = status
        self._changed.set()
        self._changed = asyncio.Event()

    # -- what agents do with it

    async def settled(self) -> None:
        """Wait until the first start has succeeded or failed; bounded by the start's own time limit."""
        while self.status in ("idle", "starting"):
            await self._changed.wait()

    async def call(
        self, tool: OfferedTool, arguments: Mapping[str, Any], report: Callable[[str], None]
    ) -> CallToolResult:
        """One call. Raises `ServerUnavailable` with words for the model; cancelling it cancels the server's work.

        A call that a lost connection cut off is made again only if the tool is marked read-only (S-27).
        """
        seconds = self.settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds) as clock:
                self._clocks.begin(clock, seconds)
                try:
                    return await self._call_once(tool, arguments, report)
                except ConnectionLost:
                    if not tool.marked_read_only:
                        raise
                    return await self._call_once(tool, arguments, report)
                finally:
                    self._clocks.end(clock)
        except TimeoutError:
            self._timeouts += 1
            if self._timeouts >= TIMEOUTS_IN_A_ROW:
                self.lost(f"{self._timeouts} calls in a row got no answer")
            raise ServerUnavailable(f"No answer from MCP server '{self.settings.name}' within {seconds:g} s.") from None

    async def _call_once(
        self, tool: OfferedTool, arguments: Mapping[str, Any], report: Callable[[str], None]
    ) -> CallToolResult:
        client = await self._connected()
        from mcp import MCPError

        async def show(progress: float, total: float | None, message: str | None) -> None:
            share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
            report(one_line(f"{share} {message or ''}"))

        try:
            result = await client.call_tool(tool.wire_name, dict(arguments), progress_callback=show)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED or error.message == "Session terminated":
                self.lost("the connection broke during a call")
                raise ConnectionLost(
                    f"MCP server '{self.settings.name}' broke off; whether the call took effect is unknown."
                ) from error
            self._good_calls += 1
            raise ServerUnavailable(f"MCP server '{self.settings.name}': {one_line(error.message, 2000)}") from error
        except ValueError as error:
            why = misfit(error)
            if not why:
                raise
            raise ServerUnavailable(
                f"The result of MCP server '{self.settings.name}' cannot be read, {why}. The call may have had effect."
            ) from error
        self._good_calls += 1
        self._timeouts = 0
        return result

    async def _connected(self) -> Client:
        while self._client is None:
            if self.status == "off":
                raise ServerUnavailable(
                    f"MCP server '{self.settings.name}' is not available for the rest of this turn."
                )
            if self.status == "down":
                self._wake.set()
                raise ServerUnavailable(
                    f"MCP server '{self.settings.name}' is not reachable now; reconnecting has begun again."
                )
            await self._changed.wait()
        return self._client

    @property
    def _title(self) -> str:
        return f"MCP server '{self.settings.name}' ({one_line(self.settings.address, 200)})"

    def _explained(self, error: BaseException) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, MassGenError):
            return one_line(str(error).removeprefix(f"MCP server '{self.settings.name}': "))
        what = misfit(error) if isinstance(error, Exception) else ""
        words = one_line(what or f"{error}") or type(error).__name__
        return f"{words} ({self.reason})" if self.reason and self.reason not in words else words


async def _subscribed(client: Client, stack: AsyncExitStack) -> Subscription | None:
    """The changes that a server of the newer protocol announces; older ones send a notification instead."""
    from mcp import MCPError
    from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost

    tools = client.server_capabilities.tools
    if tools is None or not tools.list_changed:
        return None
    try:
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
            return await stack.enter_async_context(client.listen(tools_list_changed=True))
    except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
        return None


async def _passed_on(subscription: Subscription | None, changed: asyncio.Event) -> None:
    """Set `changed` at every announcement, until there are no more."""
    from mcp.client.subscriptions import SubscriptionLost

    if subscription is not None:
        with contextlib.suppress(SubscriptionLost):
            async for _ in subscription:
                changed.set()
