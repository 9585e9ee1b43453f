"""Other spellings inside one agent and its backend (CFG-023, BE-002, BE-003, S-16, S-19, S-23)."""

from __future__ import annotations

import re
from typing import Any

from massgen.config.backend_types import (
    REROUTED_FROM,
    SILENT_ALIASES,
    WARNED_ALIASES,
    backend_type,
    split_model,
)
from massgen.config.findings import Findings
from massgen.config.source import SourceList, SourceMap

_PROVIDER_NAMES = {
    "anthropic": "claude",
    "claude": "claude",
    "claude code": "claude_code",
    "openai": "openai",
    "google": "gemini",
    "google gemini": "gemini",
    "gemini": "gemini",
    "xai": "grok",
    "grok": "grok",
    "azure openai": "azure_openai",
}
_JOINED = {
    "command_line_whitelist_patterns": "command_line_allowed_commands",
    "command_line_blacklist_patterns": "command_line_blocked_commands",
    "blocked_commands": "command_line_blocked_commands",
}
_PERMISSION_MODES = {"approve": "bypassPermissions", "prompt": "default"}


def normalise_agent(agent: SourceMap, findings: Findings) -> None:
    """Bring one agent to the form of the schema."""
    _legacy_backend(agent)
    backend = agent.get("backend")
    if isinstance(backend, SourceMap):
        for key in ("cwd", "append_system_prompt"):
            if key in agent:
                value = agent.pop(key)
                if key == "append_system_prompt" or key not in backend:
                    backend.put(key, value, source=agent, source_key=key)
        if "system_message" in backend:
            value = backend.pop("system_message")
            if "system_message" not in agent:
                agent.put("system_message", value, source=backend, source_key="system_message")
        normalise_backend(backend, findings)
    team = agent.get("subagent_agents")
    for child in team if isinstance(team, list) else ():
        if isinstance(child, SourceMap):
            normalise_agent(child, findings)


def _legacy_backend(agent: SourceMap) -> None:
    if "backend_name" not in agent and "backend_params" not in agent:
        return
    name, params = agent.pop("backend_name", None), agent.pop("backend_params", None)
    if "backend" in agent:
        return
    backend = SourceMap((*agent.path, "backend_params"), agent.values_at.get("backend_params", agent.mark))
    if isinstance(params, SourceMap):
        for key in params:
            backend.put(key, params[key], source=params, source_key=key)
    if isinstance(name, str):
        value = _PROVIDER_NAMES.get(name.strip().lower(), name.strip().lower().replace(" ", "_"))
        backend.put("type", value, source=agent, source_key="backend_name")
    agent["backend"] = backend


def normalise_backend(backend: SourceMap, findings: Findings) -> None:
    """Bring one backend to the form of the schema."""
    _type(backend, findings)
    for other, key in _JOINED.items():
        _join(backend, other, key)
    mode = backend.get("permission_mode")
    if isinstance(mode, str) and mode in _PERMISSION_MODES:
        backend["permission_mode"] = _PERMISSION_MODES[mode]
    if backend.get("type") == "claude" and backend.get("enable_code_interpreter") is True:
        message = "claude has no enable_code_interpreter; enable_code_execution is used"
        findings.about_key("warning", backend, "enable_code_interpreter", message, "Use enable_code_execution")
        backend.pop("enable_code_interpreter")
        backend.put("enable_code_execution", True, source=backend, source_key="enable_code_interpreter")
    _servers(backend, findings)
    tools = backend.get("custom_tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, SourceMap):
            _rename(tool, "func", "function")
            _rename(tool, "config", "preset_args")
            if "default_params" in tool:
                message = "'default_params' has no effect"
                findings.about_key("warning", tool, "default_params", message, "Use 'preset_args'")
                del tool["default_params"]
    packages = backend.get("command_line_docker_packages")
    if isinstance(packages, SourceMap):
        _packages(packages)
    if isinstance(backend.get("hooks"), SourceMap):
        normalise_hooks(backend["hooks"])


def _type(backend: SourceMap, findings: Findings) -> None:
    name = backend.get("type")
    if isinstance(name, str) and name in WARNED_ALIASES:
        right = WARNED_ALIASES[name]
        message = f"'{name}' is another name of the backend type '{right}'"
        findings.about_key("warning", backend, "type", message, f"Use 'type: {right}'")
    if isinstance(name, str):
        backend["type"] = name = SILENT_ALIASES.get(name) or WARNED_ALIASES.get(name) or name
    model = backend.get("model")
    if not isinstance(name, str) or not isinstance(model, str):
        return
    if name not in REROUTED_FROM or backend.get("base_url"):
        return
    target, rest = split_model(model)
    if target and target != name:
        backend["type"], backend["model"] = target, rest
        findings.about_key("hint", backend, "model", f"The model goes to {backend_type(target).label}")


def _join(holder: SourceMap, other: str, key: str) -> None:
    """Append the list `other` to the list `key`; a value that is no list takes its place to be refused."""
    if other not in holder:
        return
    value, present = holder.pop(other), holder.get(key)
    if isinstance(present, SourceList) and isinstance(value, SourceList):
        present.extend(value)
        present.items_at.extend(value.items_at)
    elif value is not None:
        holder.put(key, value, source=holder, source_key=other)


def _rename(holder: SourceMap, old: str, new: str) -> None:
    if old in holder:
        value = holder.pop(old)
        if new not in holder:
            holder.put(new, value, source=holder, source_key=old)


def _packages(packages: SourceMap) -> None:
    for old, new in (("apt", "system"), ("pip", "python"), ("npm", "npm")):
        if old not in packages:
            continue
        if not isinstance(packages.get("preinstall"), SourceMap):
            packages["preinstall"] = SourceMap((*packages.path, "preinstall"), packages.mark)
        target: SourceMap = packages["preinstall"]
        value, present = packages.pop(old), target.get(new)
        if isinstance(present, SourceList) and isinstance(value, SourceList):
            present.extend(value)
        else:
            target.put(new, value, source=packages, source_key=old)


def normalise_hooks(hooks: SourceMap) -> None:
    """A list of hooks becomes the map with `override: false`."""
    for event, value in list(hooks.items()):
        if isinstance(value, SourceList):
            holder = SourceMap(hooks.path_of(event), hooks.values_at.get(event, hooks.mark))
            holder.put("hooks", value, source=hooks, source_key=event)
            hooks[event] = holder


def _servers(backend: SourceMap, findings: Findings) -> None:
    servers: Any = backend.get("mcp_servers")
    if isinstance(servers, SourceMap):
        holder = SourceList(servers.path, servers.mark)
        for name, server in servers.items():
            if isinstance(server, SourceMap):
                server.setdefault("name", name)
            holder.append(server)
            holder.items_at.append(servers.values_at.get(name))
        backend["mcp_servers"] = servers = holder
    maps = [server for server in servers if isinstance(server, SourceMap)] if isinstance(servers, list) else []
    taken = {name for server in maps if isinstance(name := server.get("name"), str)}
    for server in maps:
        if not server.get("name"):
            _name_server(server, taken, findings)
        if server.get("type") is None and ("command" in server or "url" in server):
            server["type"] = "stdio" if "command" in server else "streamable-http"


def _name_server(server: SourceMap, taken: set[str], findings: Findings) -> None:
    name = derived_name(server.get("command"), server.get("args"), server.get("url"))
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    taken.add(unique)
    server["name"] = unique
    findings.put("hint", server.path, server.mark, f"The server has no name; it is called '{unique}'")


def derived_name(command: Any, args: Any, url: Any) -> str:
    """A server name from its package, program or host (S-23)."""
    words = [word for word in args if isinstance(word, str)] if isinstance(args, list) else []
    package = next((word for word in words if not word.startswith("-") and word != "run"), None)
    text = package or (command if isinstance(command, str) else None) or (url if isinstance(url, str) else "")
    if text is url and isinstance(url, str):
        text = re.sub(r"^\w+://", "", url).split("/")[0].split(":")[0]
    base = text.rsplit("/", 1)[-1].split("@")[0] or text
    base = re.sub(r"\.(py|js|ts)$", "", base)
    base = re.sub(r"^(mcp-server-|server-|mcp-)|(-mcp-server|-mcp|-server)$", "", base)
    return re.sub(r"[^A-Za-z0-9]+", "_", base).strip("_").lower() or "server"
