"""Everything that is worked out before the team starts, from the question and the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from massgen.backends import SharedResources, create_backend
from massgen.backends.protocol import ModelBackend, ToolSpec
from massgen.config import BackendConfig, Config, LoadedConfig
from massgen.coordination.criteria import DEFAULT_CRITERIA, Criterion
from massgen.engine.preparing import requests
from massgen.engine.preparing.oneshot import FAILURES, Asker
from massgen.engine.preparing.requests import Irreversible, Persona
from massgen.errors import ConfigError
from massgen.runs.paraphrasing import paraphrases
from massgen.views.files import guarded, write_json


class Preparation(Struct, frozen=True, kw_only=True):
    """What came out; empty where it was not asked for or failed. Lists are by agent number."""

    criteria: tuple[Criterion, ...] = DEFAULT_CRITERIA
    personas: tuple[Persona, ...] = ()
    paraphrases: tuple[str, ...] = ()
    subtasks: tuple[str, ...] = ()
    blocked: Irreversible | None = None


def preparation_record(ready: Preparation) -> dict[str, Any]:
    """What was prepared, for the log."""
    return msgspec.to_builtins(ready)


def preparation_from(values: Mapping[str, Any]) -> Preparation:
    """What was prepared in a process that died. Raises `ValueError`, `TypeError` or `KeyError` for no record."""
    blocked = values["blocked"]
    return Preparation(
        criteria=tuple(Criterion(**one) for one in values["criteria"]),
        personas=tuple(Persona(**one) for one in values["personas"]),
        paraphrases=tuple(values["paraphrases"]),
        subtasks=tuple(values["subtasks"]),
        blocked=None
        if blocked is None
        else Irreversible(tools=tuple(blocked["tools"]), reasoning=str(blocked["reasoning"])),
    )


@dataclass(slots=True)
class Preparer:
    """Runs the preparing calls side by side. `warn` tells people what failed, `announce` what is on."""

    config: Config
    loaded: LoadedConfig
    backends: Sequence[ModelBackend]
    resources: SharedResources
    asker: Asker
    warn: Callable[[str], None]
    given: tuple[Criterion, ...] = ()

    async def prepare(self, question: str, tools: Sequence[ToolSpec]) -> Preparation:
        """All that the configuration asks for; nothing is called that it does not."""
        async with asyncio.TaskGroup() as group:
            criteria = group.create_task(self._criteria(question))
            personas = group.create_task(self._personas(question))
            variants = group.create_task(self._paraphrases(question))
            subtasks = group.create_task(self._subtasks(question))
            blocked = group.create_task(self._blocked(question, tools))
        return Preparation(
            criteria=criteria.result(),
            personas=personas.result(),
            paraphrases=variants.result(),
            subtasks=subtasks.result(),
            blocked=blocked.result(),
        )

    @property
    def _first(self) -> tuple[ModelBackend, str]:
        return self.backends[0], self.config.agents[0].id

    async def _criteria(self, question: str) -> tuple[Criterion, ...]:
        wanted = self.config.orchestrator.evaluation_criteria_generator
        gated = self.config.orchestrator.voting_sensitivity == "checklist_gated"
        if self.given or not (wanted.enabled and gated):
            return self.given or DEFAULT_CRITERIA
        backend, agent_id = self._first
        try:
            return await requests.criteria(
                self.asker, backend, agent_id, question, fewest=wanted.min_criteria, most=wanted.max_criteria
            )
        except FAILURES as error:
            self.warn(f"No criteria could be generated ({error}); the default ones are used.")
            return DEFAULT_CRITERIA

    async def _personas(self, question: str) -> tuple[Persona, ...]:
        wanted = self.config.orchestrator.coordination.persona_generator
        if not wanted.enabled:
            return ()
        if len(self.config.agents) < 2:
            self.warn("Personas need more than one agent; there are none in this run.")
            return ()
        backend, agent_id = self._first
        try:
            backend = self._own_backend(wanted.backend) or backend
            return await requests.personas(
                self.asker, backend, agent_id, question, count=len(self.config.agents), mode=wanted.diversity_mode
            )
        except (*FAILURES, ConfigError) as error:
            self.warn(f"No personas could be generated ({error}); the run goes on without.")
            return ()

    def _own_backend(self, section: BackendConfig | None) -> ModelBackend | None:
        if section is None:
            return None
        return create_backend(
            section, agent_id="preparation", resources=self.resources, environ=self.loaded.environment
        )

    async def _paraphrases(self, question: str) -> tuple[str, ...]:
        wanted = self.config.orchestrator.dspy
        if wanted is None or not wanted.enabled or wanted.backend is None:
            return ()
        self.warn(
            f"✅ DSPy question paraphrasing enabled (strategy={wanted.strategy}, variants={wanted.num_variants})"
        )

        def backend_at(temperature: float) -> ModelBackend:
            assert wanted is not None and wanted.backend is not None
            section = wanted.backend.model_dump(exclude_none=True)
            return create_backend(
                {"temperature": temperature, **section},
                agent_id="preparation",
                resources=self.resources,
                environ=self.loaded.environment,
            )

        found = await paraphrases(self.asker, backend_at, wanted, question, self._first[1], self.warn)
        if not found:
            return ()
        return tuple(found[number % len(found)] for number in range(len(self.config.agents)))

    async def _subtasks(self, question: str) -> tuple[str, ...]:
        agents = self.config.agents
        decomposing = self.config.orchestrator.coordination_mode == "decomposition"
        if not decomposing or len(agents) < 2 or all(agent.subtask for agent in agents):
            return ()
        presenter = self.config.orchestrator.presenter_agent
        index = next((n for n, agent in enumerate(agents) if agent.id == presenter), len(agents) - 1)
        roles = [agent.subtask or " ".join((agent.system_message or "").split())[:300] for agent in agents]
        try:
            return await requests.subtasks(
                self.asker, self.backends[index], agents[index].id, question, roles=roles
            )
        except FAILURES as error:
            self.warn(f"The task could not be split ({error}); every agent owns the part that fits its role.")
            return ()

    async def _blocked(self, question: str, tools: Sequence[ToolSpec]) -> Irreversible | None:
        """MCP-050: where the analysis fails, every tool that is not known to only read is blocked by its traits."""
        if not self.config.orchestrator.coordination.enable_planning_mode:
            return None
        if not tools:
            return Irreversible(tools=(), reasoning="there are no tools to block")
        backend, agent_id = self._first
        try:
            return await requests.irreversible_tools(self.asker, backend, agent_id, question, tools=tools)
        except FAILURES as error:
            self.warn(f"The tools could not be analysed ({error}); all that may have effects outside are blocked.")
            return Irreversible(tools=tuple(tool.name for tool in tools), reasoning="the analysis failed")


def keep_criteria(criteria: tuple[Criterion, ...], directory: Path) -> None:
    """`evaluation_criteria.json` of the attempt (COORD-077)."""
    items = [{"id": c.id, "text": c.text, "category": c.category, "verify_by": c.verify_by} for c in criteria]
    guarded("evaluation_criteria.json", lambda: write_json(directory / "evaluation_criteria.json", {"criteria": items}))
