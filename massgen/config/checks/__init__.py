"""Checks that need more than one key, or knowledge beyond the schema (CFG-067 to CFG-073).

`config` may lack values that did not fit; every finding goes to `findings`.
"""

from __future__ import annotations

from massgen.config.checks.agents import check_agents
from massgen.config.checks.commands import check_commands
from massgen.config.checks.features import check_features
from massgen.config.checks.team import check_team
from massgen.config.checks.tools import check_tools
from massgen.config.findings import Findings
from massgen.config.schema.root import Config


def check(config: Config, findings: Findings) -> None:
    """Report what is wrong or unwise in `config`."""
    check_team(config, findings)
    check_agents(config, findings)
    check_tools(config, findings)
    check_commands(config, findings)
    check_features(config, findings)
