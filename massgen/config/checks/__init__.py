"""Checks that need more than one key, or knowledge beyond the schema (CFG-067 to CFG-073)."""

from __future__ import annotations

from pathlib import Path

from massgen.config.checks.team import check_team
from massgen.config.findings import Findings
from massgen.config.schema.root import Config


def check(config: Config, findings: Findings, *, launch: Path, base: Path | None) -> None:
    """Report to `findings` what is wrong or unwise in `config`.

    `config` may lack values that did not fit. Paths are resolved against `launch`, then `base`, the
    directory of the file.
    """
    check_team(config, findings)
