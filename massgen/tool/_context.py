"""What a tool function may know about the call it serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

CONTEXT_ATTRIBUTE = "__massgen_context_params__"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """How a command ended; `late` where its time limit ended it."""

    exit_code: int
    stdout: str
    stderr: str
    late: bool = False


RunCommand = Callable[[str, float], Awaitable[CommandOutput]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """The call of a tool function.

    `workspace` is the base of relative paths (TOOL-046), None outside of a run. `writable` and `readable` are
    the trees that file functions may use (None: no policy applies), `denied` is subtracted from both.
    `run_command` runs a command line with a time limit in the agent's sandbox, None where there is none.
    `messages` is the conversation that `context_params("prompt")` gets.
    """

    workspace: Path | None = None
    writable: tuple[Path, ...] | None = None
    readable: tuple[Path, ...] = ()
    denied: tuple[Path, ...] = ()
    run_command: RunCommand | None = None
    messages: Sequence[dict[str, Any]] = field(default=(), repr=False)

    def resolve(self, path: str, *, write: bool = False) -> Path:
        """The real path of `path`; raises PermissionError where the agent may not use it (TOOL-076)."""
        base = self.workspace or Path.cwd()
        real = (base / Path(path).expanduser()).resolve()
        if self.writable is None:
            return real
        trees = self.writable if write else (*self.writable, *self.readable)
        granted = [tree for tree in trees if real.is_relative_to(tree)]
        denied = [tree for tree in self.denied if real.is_relative_to(tree)]
        # A deeper grant inside a denied tree wins over it.
        if granted and max(map(_depth, granted)) >= max(map(_depth, denied), default=0):
            return real
        allowed = ", ".join(str(tree) for tree in trees) or "nothing"
        raise PermissionError(f"'{path}' is outside of what may be {'written' if write else 'read'} ({allowed}).")


_current: ContextVar[CallContext] = ContextVar("massgen_call_context", default=CallContext())  # noqa: B039


def current_call() -> CallContext:
    """The context of the running call; a neutral one outside of a run."""
    return _current.get()


def set_current_call(context: CallContext) -> None:
    """Make `context` the one of this task and everything it starts."""
    _current.set(context)


def context_params(*names: str) -> Callable[[F], F]:
    """Mark parameters that the program fills in and the model does not see (IOP-003).

    `prompt` gets the complete list of messages; other names get the field of that name of the call's context
    (`workspace`, ...).
    """

    def mark(function: F) -> F:
        setattr(function, CONTEXT_ATTRIBUTE, (*getattr(function, CONTEXT_ATTRIBUTE, ()), *names))
        return function

    return mark


def context_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters that `context_params` marked."""
    return tuple(getattr(function, CONTEXT_ATTRIBUTE, ()))


def context_value(name: str, context: CallContext) -> Any:
    """The value of a marked parameter."""
    if name in ("prompt", "messages"):
        return list(context.messages)
    value = getattr(context, name, None)
    return str(value) if isinstance(value, Path) else value


def _depth(path: Path) -> int:
    return len(path.parts)
