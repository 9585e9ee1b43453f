"""`massgen export`: a run as a Gist that anyone with the link can read (LOG-090 to LOG-097)."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from massgen.cli import gist
from massgen.cli.console import one_line, tell
from massgen.cli.logs import chosen_place
from massgen.views.sharing import Selection, SharedFile, manifest, select, wanted_turns

MANIFEST = "_session_manifest.json"
_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000}


class ByteSize(click.ParamType):
    """`500KB`, `1MB`, `2048`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([KMG]?B?)\s*", str(value), re.IGNORECASE)
        if match is None:
            self.fail(f"{value!r} is no size; write for example 500KB or 1MB.", param, ctx)
        unit = match[2].upper()
        return int(float(match[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"])


@click.command("export", short_help="Share a run as a Gist.")
@click.argument("log", required=False)
@click.option("--turns", default="all", metavar="WHICH", help="N (the first N), N-M, latest, all (default).")
@click.option("--dry-run", is_flag=True, help="Show what would be shared, upload nothing.")
@click.option("--verbose", is_flag=True, help="List the files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-workspace", is_flag=True, help="Without the files that agents made.")
@click.option("--workspace-limit", type=ByteSize(), default="500KB", metavar="SIZE", help="Bytes an agent (500KB).")
def export_command(
    log: str | None,
    turns: str,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
    yes: bool,
    no_workspace: bool,
    workspace_limit: int,
) -> int:
    """Share the run in LOG (a directory or its name; default: the newest) through GitHub's `gh`.

    Keys are masked, private and large files stay here. Anyone who has the link can read what is uploaded.
    """
    root = chosen_place(log).root
    try:
        chosen = wanted_turns(root, turns)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if not chosen:
        raise click.ClickException(f"{root.name} has no such turns: {turns}.")
    if not dry_run:
        gist.check_gh()

    def say(text: str) -> None:
        if not as_json:
            click.echo(text)

    say(f"Sharing session from: {root.name}")
    selection = select(root, chosen, _redactor(), workspace_limit=None if no_workspace else workspace_limit)
    _describe(selection, root, say)
    files = [_manifest_file(root, selection), *selection.files]
    say("Collecting files...")
    for warning in selection.warnings:
        tell(f"Warning: {warning}")
    if verbose:
        for file in files:
            say(f"  {file.source} ({file.size:,} bytes)")
        for source, reason in sorted(selection.left_out.items()):
            say(f"  left out: {one_line(source)} ({reason})")
    size = sum(file.size for file in files)
    if dry_run:
        say(f"Would upload {len(files)} files ({size:,} bytes); nothing was uploaded.")
        return _finish(root, selection, files, None, as_json)
    if not yes and _is_person():
        click.confirm(f"Upload {len(files)} files ({size:,} bytes) to a Gist?", default=True, abort=True, err=True)
    say(f"Uploading {len(files)} files ({size:,} bytes)...")
    return _finish(root, selection, files, _upload(files, root.name), as_json)


def _is_person() -> bool:
    """Somebody can be asked, also where the output goes into a pipe: the question is on standard error."""
    return sys.stdin is not None and sys.stdin.isatty()


def _redactor() -> Any:
    """Masks every secret that this machine's environment and key files know."""
    from massgen.config import Redactor, read_environment

    return Redactor.for_run({}, read_environment()).text


def _describe(selection: Selection, root: Path, say: Any) -> None:
    say(f"Session: {root.name}")
    say(f"Turns: {len(selection.turns)}")
    for turn in selection.turns:
        sign = "✓" if turn.state == "complete" else "✗"
        say(f"{sign} Turn {turn.number} - {one_line(turn.question)[:100]}")
    if any(turn.state != "complete" for turn in selection.turns):
        say("Warning: This session has errors")


def _manifest_file(root: Path, selection: Selection) -> SharedFile:
    text = json.dumps(manifest(root, selection), ensure_ascii=False, indent=2)
    return SharedFile(name=MANIFEST, source=MANIFEST, text=text)


def _upload(files: list[SharedFile], session: str) -> str:
    with tempfile.TemporaryDirectory(prefix="massgen-export-") as staged:
        paths = []
        for file in files:
            path = Path(staged, file.name)
            path.write_text(file.text, encoding="utf-8", newline="")
            paths.append(path)
        return gist.create(paths, session)


def _finish(root: Path, selection: Selection, files: list[SharedFile], uploaded: str | None, as_json: bool) -> int:
    url = f"{gist.VIEWER}{uploaded}" if uploaded else None
    if as_json:
        value = {
            "session": root.name,
            "turns": [turn.number for turn in selection.turns],
            "has_errors": any(turn.state != "complete" for turn in selection.turns),
            "files": [{"path": file.source, "bytes": file.size} for file in files],
            "bytes": sum(file.size for file in files),
            "left_out": selection.left_out,
            "dry_run": uploaded is None,
            "gist_id": uploaded,
            "url": url,
        }
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
    elif url:
        click.echo(f"Share URL: {url}")
        click.echo("Anyone with this link can view the session (no login required).")
    return 0
