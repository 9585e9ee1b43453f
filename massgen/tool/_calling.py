"""Calling a tool function of whatever kind, and making one result of what it gives."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from massgen.tool._context import CallContext, context_names, context_value, set_current_call
from massgen.tool._result import AudioContent, ExecutionResult, ImageContent, TextContent
from massgen.tool._schema import converted


async def results(
    function: Callable[..., Any], arguments: Mapping[str, Any], context: CallContext
) -> AsyncIterator[ExecutionResult]:
    """Call `function` and yield what it gives: one result, or the pieces of an async (or plain) generator.

    Coroutines are awaited, plain functions run in a thread (TOOL-009, TOOL-010, TOOL-014). Raises what the
    function raises.
    """
    values = converted(function, arguments)
    values |= {name: context_value(name, context) for name in context_names(function)}
    set_current_call(context)
    target = function if inspect.isroutine(function) else type(function).__call__
    if inspect.isasyncgenfunction(target):
        async for piece in function(**values):
            yield as_result(piece)
        return
    if inspect.iscoroutinefunction(target):
        yield as_result(await function(**values))
        return
    given = await asyncio.to_thread(_plain, function, values)
    if inspect.isawaitable(given):
        given = await given
    if inspect.isasyncgen(given):
        async for piece in given:
            yield as_result(piece)
        return
    for piece in given if isinstance(given, _Pieces) else [given]:
        yield as_result(piece)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether the function is written as the contract says (async)."""
    target = function if inspect.isroutine(function) else type(function).__call__
    return inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target)


def as_result(value: Any) -> ExecutionResult:
    """`value` itself where it is a result, else wrapped in one text block (TOOL-014)."""
    if isinstance(value, ExecutionResult):
        return value
    if isinstance(value, TextContent | ImageContent | AudioContent):
        return ExecutionResult(output_blocks=[value])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return ExecutionResult(output_blocks=[TextContent(data=text)])


def collected(pieces: Iterable[ExecutionResult]) -> ExecutionResult:
    """The pieces of one call as one final result, without log pieces."""
    whole = ExecutionResult(output_blocks=[])
    for piece in pieces:
        if piece.meta_info:
            whole.meta_info = {**(whole.meta_info or {}), **piece.meta_info}
        whole.was_interrupted = whole.was_interrupted or piece.was_interrupted
        if not piece.is_log:
            whole.output_blocks = [*whole.output_blocks, *piece.output_blocks]
    return whole


class _Pieces(list[Any]):
    """What a plain generator gave."""


def _plain(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    given = function(**values)
    return _Pieces(given) if inspect.isgenerator(given) else given
