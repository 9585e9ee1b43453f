"""What a container is given of its user's secrets, before any container runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.config.schema.execution import DockerCredentials
from massgen.workspace.sandbox.container.credentials import collect


@pytest.mark.spec("EXEC-054")
def test_lines_of_a_key_file_that_say_nothing_are_named_without_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "keys.env").write_text("GITHUB_TOKEN=ghp_secret\nNPM_TOKEN npm_secret\n")
    told: list[str] = []
    wanted = DockerCredentials(env_file="keys.env")
    given = collect(wanted, home=tmp_path, host={}, launch=tmp_path, warn=told.append)
    assert given.env["GITHUB_TOKEN"] == "ghp_secret" and "NPM_TOKEN" not in given.env
    (line,) = told
    assert f"{tmp_path}/keys.env, line 2: ignored" in line and "secret" not in line
