"""Time limits of a run (COORD-113 to 120, CFG-028)."""

from typing import Annotated

from massgen.config.schema.base import NotNegative, Seconds, Section, doc


class TimeoutSettings(Section):
    """Limits in seconds; a command-line flag beats them, they beat `orchestrator.timeout`."""

    orchestrator_timeout_seconds: Annotated[
        Seconds, doc("The whole run; at its end the best available answer is kept and the exit code is 3.")
    ] = 1800
    initial_round_timeout_seconds: Annotated[
        Seconds | None, doc("Soft limit of an agent's first round; null = none.")
    ] = None
    subsequent_round_timeout_seconds: Annotated[
        Seconds | None, doc("Soft limit of every later round; null = none.")
    ] = None
    round_timeout_grace_seconds: Annotated[
        NotNegative, doc("Time from the soft limit of a round to its hard limit.")
    ] = 120
    agent_timeout_seconds: Annotated[Seconds | None, doc("All working time of one agent; null = none.")] = None


class RoundTimeouts(Section):
    """Round limits of subagents; what is left out is inherited."""

    initial_round_timeout_seconds: Annotated[Seconds | None, doc("Soft limit of the first round.")] = None
    subsequent_round_timeout_seconds: Annotated[Seconds | None, doc("Soft limit of later rounds.")] = None
    round_timeout_grace_seconds: Annotated[NotNegative | None, doc("Time from the soft to the hard limit.")] = None
