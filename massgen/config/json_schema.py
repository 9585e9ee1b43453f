"""The JSON Schema of a configuration, for editors (`massgen --config-schema`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from massgen.config.backend_types import BACKEND_TYPES, SILENT_ALIASES, WARNED_ALIASES
from massgen.config.schema.base import Section
from massgen.config.schema.root import Config
from massgen.config.schema.voting import VotingKeys


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. Closed sections refuse unknown keys; other accepted spellings stand beside their keys."""
    schema = Config.model_json_schema()
    definitions: dict[str, dict[str, Any]] = schema["$defs"]
    for model in {model.__name__: model for model in _sections(Section)}.values():
        part = schema if model is Config else definitions.get(model.__name__)
        if part is not None:
            _refine(model, part)
    _other_forms(definitions)
    names = [*BACKEND_TYPES, *SILENT_ALIASES, *WARNED_ALIASES]
    definitions["BackendConfig"]["properties"]["type"]["enum"] = names
    definitions["AgentConfig"]["required"] = ["backend"]
    agent = {"$ref": "#/$defs/AgentConfig"}
    listed = schema["properties"]["agents"]
    schema["properties"]["agents"] = {
        "description": listed["description"],
        "oneOf": [
            {"type": "array", "items": agent, "minItems": 1},
            {"type": "object", "additionalProperties": agent},
        ],
    }
    schema["properties"]["agent"] = {**agent, "description": Config.also["agent"]}
    schema["patternProperties"] = {"^x-": {}}
    del schema["required"]
    schema["oneOf"] = [{"required": ["agents"]}, {"required": ["agent"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_OTHER_WORDS = {
    ("UiConfig", "display_type"): ["textual_terminal"],
    ("OrchestratorConfig", "coordination_mode"): ["parallel"],
    ("SubagentOrchestrator", "coordination_mode"): ["parallel"],
    ("BackendConfig", "permission_mode"): ["approve", "prompt"],
    ("CoordinationConfig", "broadcast"): ["false"],
}


def _other_forms(definitions: dict[str, dict[str, Any]]) -> None:
    """What is read besides the plain forms: maps of servers, lists of hooks, other words."""
    server, hook = {"$ref": "#/$defs/McpServer"}, {"$ref": "#/$defs/Hook"}
    servers = definitions["BackendConfig"]["properties"]["mcp_servers"]
    definitions["BackendConfig"]["properties"]["mcp_servers"] = {
        "description": servers["description"],
        "oneOf": [{"type": "array", "items": server}, {"type": "object", "additionalProperties": server}],
    }
    for event in ("PreToolUse", "PostToolUse"):
        plain = definitions["Hooks"]["properties"][event]
        definitions["Hooks"]["properties"][event] = {
            "description": plain["description"],
            "oneOf": [{"type": "array", "items": hook}, {"$ref": "#/$defs/HookEvent"}],
        }
    for (section, key), words in _OTHER_WORDS.items():
        present = definitions[section]["properties"][key]
        description = present.pop("description", "")
        definitions[section]["properties"][key] = {"description": description, "anyOf": [present, {"enum": words}]}
    del definitions["McpServer"]["required"], definitions["CustomTool"]["required"]
    voting = definitions["OrchestratorConfig"]["properties"]
    for key in VotingKeys.model_fields:
        definitions["CoordinationConfig"]["properties"].setdefault(key, voting[key])


def _sections(model: type[Section]) -> Iterator[type[Section]]:
    for child in model.__subclasses__():
        yield child
        yield from _sections(child)


def _refine(model: type[Section], part: dict[str, Any]) -> None:
    for name, text in model.also.items():
        if name.isidentifier():
            part.setdefault("properties", {}).setdefault(name, {"description": text})
    part["additionalProperties"] = model.open
    if model.required:
        part["required"] = list(model.required)
