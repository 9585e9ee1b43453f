"""The script of a simulated team: a YAML file with the questions it knows and what each agent says.

    rehearsals:
      - question: Tabs or spaces?
        agents:
          tabs:
            - answer: Tabs.
              when: {answers_below: 1}
            - vote: {for: formatter, reason: It ends the argument.}
              when: {sees: formatter}
            - say: Let the formatter decide.
              when: {presenting: true}

For each model call the first turn is played whose `when` holds and whose tool is offered. See `Turn` for the
keys of a turn and `When` for its conditions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from massgen.errors import ConfigError

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


class When(_Part):
    """Conditions on one call; all that are given must hold. Texts are compared without regard to case."""

    round: Annotated[int | None, Field(description="Number of the agent's round, from 0.")] = None
    answers: Annotated[int | None, Field(description="At least so many answers are visible.")] = None
    answers_below: Annotated[int | None, Field(description="Fewer answers than this are visible.")] = None
    sees: Annotated[str | None, Field(description="A visible answer contains this text.")] = None
    sees_not: Annotated[str | None, Field(description="No visible answer contains this text.")] = None
    presenting: Annotated[bool | None, Field(description="The final answer is asked for.")] = None
    after_tool: Annotated[str | None, Field(description="The last message is a result of this tool.")] = None


class Vote(_Part):
    """A vote for the newest visible answer that contains the text `for`, or for an agent's visible name."""

    choice: Annotated[str, Field(alias="for", min_length=1)]
    reason: str


class Call(_Part):
    """A call of any tool that the agent is offered."""

    name: Annotated[str, Field(min_length=1)]
    arguments: dict[str, Any] = {}


class Failure(_Part):
    """A failure of the provider, as the real ones have them."""

    kind: Literal["authentication", "rate_limit", "bad_request", "context_length", "server_error", "connection"]
    message: str = "This failure is part of the script."


class ScriptTurn(_Part):
    """What an agent says in one call: thoughts, words, then at most one of answer, vote, calls, failure.

    `delay` is the time in seconds before the first word.
    """

    when: When = When()
    think: str = ""
    say: str = ""
    answer: str | None = None
    vote: Vote | None = None
    calls: tuple[Call, ...] = ()
    fail: Failure | None = None
    delay: Seconds = 0.4

    @model_validator(mode="after")
    def _one_action(self) -> ScriptTurn:
        actions = [self.answer is not None, self.vote is not None, bool(self.calls), self.fail is not None]
        if sum(actions) > 1:
            raise ValueError("give only one of answer, vote, calls, fail")
        if not any(actions) and not self.say.strip():
            raise ValueError("give one of say, answer, vote, calls, fail")
        return self


class Rehearsal(_Part):
    """One question, other wordings of it, and the turns of each agent by its id."""

    question: Annotated[str, Field(min_length=1)]
    also: tuple[str, ...] = ()
    agents: Annotated[dict[str, Annotated[tuple[ScriptTurn, ...], Field(min_length=1)]], Field(min_length=1)]


class Script(_Part):
    """All questions that the team can rehearse; `pace` multiplies every delay (0: at once)."""

    pace: Seconds = 1.0
    rehearsals: Annotated[tuple[Rehearsal, ...], Field(min_length=1)]


def load_script(path: Path) -> Script:
    """Read and check a script; `ConfigError` names the file, the place in it and what is wrong."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The script {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The script {path} is not YAML: {error}") from error
    try:
        return Script.model_validate(data)
    except ValidationError as error:
        lines = [f"  {_place(item['loc'])}: {item['msg']}" for item in error.errors()]
        raise ConfigError(f"The script {path} is not valid:\n" + "\n".join(lines)) from error


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "file"
