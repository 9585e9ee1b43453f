"""Code around tool calls (HOOK-006)."""

from typing import Annotated, Literal

from massgen.config.schema.base import Flag, Seconds, Section, Text, doc


class Hook(Section):
    """One hook."""

    required = ("handler",)

    matcher: Annotated[Text, doc("Glob over tool names; alternatives with `|`, as in `Write|Edit`.")] = "*"
    handler: Annotated[Text, doc("Dotted path of a Python callable, or a command line.")]
    type: Annotated[Literal["python", "command"], doc("python, or command (JSON in, JSON out).")] = "python"
    fail_closed: Annotated[Flag, doc("A hook that times out or fails denies the call.")] = False
    timeout: Annotated[Seconds, doc("Seconds one call of the hook may take.")] = 30


class HookEvent(Section):
    """The hooks of one event; a plain list of hooks is read too."""

    override: Annotated[Flag, doc("Drop the global hooks of this event for this agent.")] = False
    hooks: Annotated[tuple[Hook, ...], doc("The hooks, in order.")] = ()


class Hooks(Section):
    """Hooks by event."""

    PreToolUse: Annotated[HookEvent, doc("Before a tool call: allow, deny, or change arguments.")] = (
        HookEvent.model_construct()
    )
    PostToolUse: Annotated[HookEvent, doc("After a tool call: add to its result.")] = HookEvent.model_construct()
