"""The application for `massgen serve --reload`: settings come from the environment alone."""

from __future__ import annotations

from starlette.applications import Starlette

from massgen.server.app import create_app
from massgen.server.settings import settings_from


def app() -> Starlette:
    """A fresh application, made by each restarted process."""
    return create_app(settings_from({}))
