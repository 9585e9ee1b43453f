"""The documented import path of the hook framework (HOOK-004); the code is in `massgen.tools.hooks`."""

from massgen.tools.hooks.callables import PythonCallableHook
from massgen.tools.hooks.protocol import Hook, HookEvent, HookResult, HookType
from massgen.tools.hooks.registry import GeneralHookManager
from massgen.tools.hooks.round_limits import RoundTimeoutPostHook, RoundTimeoutPreHook
from massgen.tools.hooks.updates import HighPriorityTaskReminderHook, MidStreamInjectionHook

__all__ = [
    "GeneralHookManager",
    "HighPriorityTaskReminderHook",
    "Hook",
    "HookEvent",
    "HookResult",
    "HookType",
    "MidStreamInjectionHook",
    "PythonCallableHook",
    "RoundTimeoutPostHook",
    "RoundTimeoutPreHook",
]
