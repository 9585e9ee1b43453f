"""Flags that do something else than ask a question: validate, list, print, set up."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import click

_UNAVAILABLE = {
    "plan": "--plan",
    "plan_and_execute": "--plan-and-execute",
    "execute_plan": "--execute-plan",
    "plan_report": "--plan-report",
    "web": "--web",
    "setup_skills": "--setup-skills",
}


def run_errand(flags: MutableMapping[str, Any], words: Sequence[str] = ()) -> int | None:
    """The exit code of the errand that the flags ask for, None if they ask for none.

    `words` are the question, which after `--validate --strict` is a file. `--select` is none: it sets `--config`, and
    the question is asked.
    """
    if flags["validate"] is not None:
        from massgen.cli.validate import run_validate

        return run_validate(_to_check(flags, words), strict=flags["strict"], as_json=flags["as_json"])
    if flags["list_examples"] or flags["example"] or flags["config_schema"]:
        return _examples(flags)
    if flags["list_sessions"]:
        from massgen.cli.sessions import run_list_sessions

        return run_list_sessions()
    if flags["setup_docker"]:
        from massgen.cli.setup_docker import setup_docker

        return setup_docker(click.echo)
    if (code := _wizard(flags)) is not None:
        return code
    for name, shown in _UNAVAILABLE.items():
        if flags[name]:
            raise click.ClickException(f"{shown} is not available in this version yet.")
    return None


def _to_check(flags: Mapping[str, Any], words: Sequence[str]) -> str | None:
    """The one configuration that `--validate` is about, None for the default; more than one is refused."""
    named = [name for name in (flags["validate"], flags["config"], *words) if name]
    if len(named) > 1:
        left = ", ".join(named[1:])
        raise click.ClickException(f"--validate checks one configuration at a time: {named[0]}, not also {left}.")
    return named[0] if named else None


def _wizard(flags: MutableMapping[str, Any]) -> int | None:
    if flags["generate_config"]:
        from massgen.cli.wizard.generate import run_generate_config

        return run_generate_config(flags)
    if flags["setup"]:
        from massgen.cli.wizard.keys import run_setup

        return run_setup(flags)
    if flags["quickstart"]:
        from massgen.cli.wizard.quickstart import run_quickstart

        return run_quickstart(flags)
    if flags["init"]:
        from massgen.cli.wizard.builder import run_init

        return run_init(flags)
    if flags["select"]:
        from massgen.cli.wizard.picker import select_config

        flags["config"] = select_config(flags)
    return None


def _examples(flags: Mapping[str, Any]) -> int:
    from massgen.cli.examples import run_config_schema, run_example, run_list_examples

    if flags["list_examples"]:
        return run_list_examples()
    return run_config_schema() if flags["config_schema"] else run_example(flags["example"])
