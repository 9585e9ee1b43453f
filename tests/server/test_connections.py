"""The server keeps its connections to providers from request to request."""

from __future__ import annotations

import asyncio
from pathlib import Path

from massgen.testing import answer_then_vote
from tests.server.place import serving


def test_a_further_request_needs_no_new_connection_to_the_provider(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, {"model-a": answer_then_vote("Four.")}) as place:
            await place.chat()
            made = place.provider.connections_made
            await place.chat()
            assert place.provider.connections_made == made

    asyncio.run(story())
