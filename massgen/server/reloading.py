"""The application for `massgen serve --reload`: made anew in each restarted process, from the same flags."""

from __future__ import annotations

import json
import os

from starlette.applications import Starlette

FLAGS_VARIABLE = "MASSGEN_SERVER_FLAGS"


def app() -> Starlette:
    """A fresh application; the flags of the command come through the environment."""
    from massgen.server.app import create_app
    from massgen.server.settings import settings_from

    return create_app(settings_from(json.loads(os.environ.get(FLAGS_VARIABLE, "{}"))))
