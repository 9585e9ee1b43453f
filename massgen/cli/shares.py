"""`massgen shares`: the sessions one has shared (LOG-098)."""

from __future__ import annotations

import json

import click

from massgen.cli import gist
from massgen.cli.console import one_line


@click.group("shares", short_help="List and delete shared runs.")
def shares_group() -> None:
    """Look after what was shared with `massgen export`."""


@shares_group.command("list", short_help="List shared runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> int:
    """List your shared sessions."""
    gist.check_gh()
    found = gist.shared_sessions()
    if as_json:
        value = [
            {
                "gist_id": each.gist_id,
                "session": each.session,
                "updated": each.updated,
                "url": gist.VIEWER + each.gist_id,
            }
            for each in found
        ]
        click.echo(json.dumps(value, indent=2))
    elif not found:
        click.echo("You have shared no sessions.")
    for each in [] if as_json else found:
        click.echo(f"{each.gist_id}  {one_line(each.updated)[:16]}  {one_line(each.session)}")
    return 0


@shares_group.command("delete", short_help="Delete a shared run.")
@click.argument("share")
def delete_command(share: str) -> int:
    """Delete the shared session SHARE: a gist id, its address, or the share URL."""
    name = gist.gist_id(share)
    gist.check_gh()
    gist.delete(name)
    click.echo(f"Deleted {name}.")
    return 0
