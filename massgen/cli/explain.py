"""`massgen explain CONFIG`: what a configuration will do and what it may cost, without a model call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from massgen.cli.console import one_line
from massgen.errors import EXIT_OK

if TYPE_CHECKING:
    from massgen.runs.explaining import Explanation


@click.command("explain", short_help="Show what a configuration will do.")
@click.argument("config", required=False)
@click.option("--config", "named", metavar="PATH", help="The same as CONFIG.")
@click.option("--quick", is_flag=True, help="As with `massgen --quick`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain_command(config: str | None, named: str | None, quick: bool, as_json: bool) -> int:
    """Say how many answers, ballots and model calls CONFIG leads to, which rules can hold or refuse something, which
    time limits apply, and what it costs where prices are known.
    """
    from massgen.config import load_config
    from massgen.runs.explaining import explain

    found = explain(load_config(config or named).require(), quick=quick)
    click.echo(json.dumps(_as_json(found), indent=2) if as_json else "\n".join(_lines(found)))
    return EXIT_OK


def _lines(found: Explanation) -> Iterator[str]:
    count = len(found.agents)
    names = ", ".join(one_line(agent) for agent in found.agents)
    yield f"Team: {count} agent{'s' if count != 1 else ''} ({names})"
    yield f"Shape: {found.shape}"
    yield f"Answers: {found.numbers.answers}"
    yield f"Ballots: {found.numbers.ballots}"
    yield f"Model calls: {found.numbers.calls} (one a round; tool use, reminders and retries come on top)"
    if found.numbers.attempts > 1:
        yield f"Attempts: up to {found.numbers.attempts}; these numbers are for one"
    yield "Gates:" if found.gates else "Gates: none"
    yield from (f"  {gate}" for gate in found.gates)
    yield "Time limits:" if found.limits else "Time limits: none"
    yield from (f"  {limit}" for limit in found.limits)
    yield f"Cost: {_cost(found)}"


def _cost(found: Explanation) -> str:
    from massgen.runs.explaining import ANSWER_TOKENS, PROMPT_TOKENS

    least, most = found.cost
    if least is None:
        return f"unknown; there is no price for {', '.join(one_line(name) for name in found.unpriced)}"
    upper = "no upper limit but time" if most is None else f"at most ${most:.4f}"
    assumed = f"calls of {PROMPT_TOKENS} tokens in and {ANSWER_TOKENS} out"
    return f"about ${least:.4f} at least, {upper} (for {assumed})"


def _as_json(found: Explanation) -> dict[str, Any]:
    numbers = found.numbers
    spans = {"answers": numbers.answers, "ballots": numbers.ballots, "model_calls": numbers.calls}
    least, most = found.cost
    return {
        "agents": list(found.agents),
        "shape": found.shape,
        **{name: {"least": span.least, "most": span.most} for name, span in spans.items()},
        "attempts": numbers.attempts,
        "gates": list(found.gates),
        "limits": list(found.limits),
        "cost_usd": {"least": _number(least), "most": _number(most)},
        "unpriced": list(found.unpriced),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
