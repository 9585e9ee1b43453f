"""A workspace, a context path and things outside, with the tools of one agent over them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.tools.files.toolset import file_tools
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.hooks.chain import Hooks
from massgen.tools.protocol import ToolOutcome
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy
from tests.tools.doubles import call, context, runner


@dataclass
class Place:
    """`project` is writable with `fixtures/` and `config.json` protected; `reference` can only be read."""

    base: Path
    tracker: FileOperationTracker = field(default_factory=FileOperationTracker)
    hooks: Hooks = field(default_factory=Hooks)

    def __post_init__(self) -> None:
        self.base = self.base.resolve()
        for name in ("workspace", "project/fixtures/deep", "reference", "outside"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        (self.project / "config.json").write_text("kept")
        (self.project / "fixtures/deep/data.txt").write_text("kept")
        (self.reference / "book.txt").write_text("reference")
        (self.outside / "secret.txt").write_text("TOP SECRET")

    @property
    def workspace(self) -> Path:
        return self.base / "workspace"

    @property
    def project(self) -> Path:
        return self.base / "project"

    @property
    def reference(self) -> Path:
        return self.base / "reference"

    @property
    def outside(self) -> Path:
        return self.base / "outside"

    def policy(self) -> AgentPathPolicy:
        return AgentPathPolicy(
            workspace=self.workspace,
            grants=Grants(
                writable=(self.workspace, self.project),
                readable=(self.reference,),
                protected=(self.project / "fixtures", self.project / "config.json"),
            ),
            private=(self.workspace,),
        )

    def run(self, name: str, **arguments: Any) -> ToolOutcome:
        tools = runner(file_tools(self.policy, tracker=self.tracker), hooks=self.hooks)
        [outcome] = asyncio.run(tools.run_all([call(name, arguments)], context))
        return outcome

    def done(self, name: str, **arguments: Any) -> str:
        outcome = self.run(name, **arguments)
        assert not outcome.is_error, outcome.text
        return outcome.text

    def refused(self, name: str, **arguments: Any) -> str:
        outcome = self.run(name, **arguments)
        assert outcome.is_error, outcome.text
        return outcome.text
