"""`massgen serve` (SRV-001, CLI-080)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from massgen.cli.console import tell
from massgen.errors import EXIT_EXECUTION, EXIT_OK

if TYPE_CHECKING:
    from massgen.server.teams import Teams


@click.command("serve")
@click.option("--config", metavar="PATH", help="The team that answers; default: the default configuration.")
@click.option("--host", metavar="HOST", help="Address; loopback, or 0.0.0.0 where a key is set.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help="Port, 4000.")
@click.option("--api-key", metavar="KEY", help="Callers must send this key (also MASSGEN_SERVER_API_KEY).")
@click.option("--allow-model-select", is_flag=True, help="With --config: let callers choose other teams by name.")
@click.option("--allow-path", multiple=True, metavar="DIR", help="Directory for massgen/path: models.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Browser origin that may call.")
@click.option("--max-concurrent", type=click.IntRange(1), metavar="N", help="Runs at once, 8.")
@click.option("--no-streaming", is_flag=True, help="Answer stream requests with 501.")
@click.option("--reload", is_flag=True, help="Restart on source changes (development).")
def serve_command(**flags: Any) -> int:
    """Serve the team over HTTP like an OpenAI model: base URL http://HOST:PORT/v1, model massgen."""
    from massgen.server.settings import settings_from
    from massgen.server.teams import Teams

    settings = settings_from(flags)
    team = _team(Teams(settings))
    if settings.is_public and settings.key is None:
        tell("WARNING: this server has no key and can be reached from other machines: anyone can spend your tokens.")
        tell("         Set MASSGEN_SERVER_API_KEY, or bind to 127.0.0.1.")
    from massgen.server.listening import check_address, serve, serve_reloading

    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def announce(port: int) -> None:
        tell(f"Serving {team} at http://{host}:{port}/v1 (model: massgen)")

    check_address(settings)
    if flags["reload"]:
        announce(settings.port)
        serve_reloading(settings, flags)
        return EXIT_OK
    return EXIT_OK if serve(settings, announce) else EXIT_EXECUTION


def _team(teams: Teams) -> str:
    """What answers `massgen`. Raises `ConfigError` for a wrong configuration; none at all is no obstacle."""
    from massgen.config.discovery import ConfigNotFound

    try:
        team = teams.default()
        for flaw in team.environment.flaws:
            tell(f"WARNING: {flaw}")
        return str(team.path)
    except ConfigNotFound as error:
        if error.value is not None:
            raise
        tell(f"WARNING: {error.message}")
        return "the teams that callers name"
