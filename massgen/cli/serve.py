"""`massgen serve` (SRV-001, CLI-080)."""

from __future__ import annotations

from typing import Any

import click

from massgen.cli.console import tell


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
    import uvicorn

    from massgen.server.settings import settings_from
    from massgen.server.teams import Teams

    settings = settings_from(flags)
    loaded = Teams(settings).default()
    loaded.require()
    if settings.is_public and settings.key is None:
        tell("WARNING: this server has no key and can be reached from other machines: anyone can spend your tokens.")
        tell("         Set MASSGEN_SERVER_API_KEY, or bind to 127.0.0.1.")
    tell(f"Serving {loaded.path or 'the team'} at http://{settings.host}:{settings.port}/v1 (model: massgen)")
    if flags["reload"]:
        return _reloading(settings.host, settings.port)
    from massgen.server.app import create_app

    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=30,
        timeout_keep_alive=30,
    )
    return 0


def _reloading(host: str, port: int) -> int:
    import uvicorn

    uvicorn.run("massgen.server.reloading:app", factory=True, host=host, port=port, reload=True, log_level="warning")
    return 0
