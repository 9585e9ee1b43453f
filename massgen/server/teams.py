"""Which team answers a model name (SRV-004, SRV-006). Paths only below directories that the operator allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from massgen.config import LoadedConfig, load_config
from massgen.config.discovery import ConfigNotFound
from massgen.config.packaged import EXAMPLES_PREFIX, example_names
from massgen.errors import ConfigError
from massgen.server.messages import BadChatRequest
from massgen.server.settings import ServerSettings

MODEL = "massgen"
PATH = "path:"


@dataclass(slots=True)
class Teams:
    """Loads configurations and keeps those whose file has not changed."""

    settings: ServerSettings
    _kept: dict[Path, tuple[float, LoadedConfig]] = field(default_factory=dict)

    def default(self) -> LoadedConfig:
        """The server's own team. Raises `ConfigError` where there is none, or it is wrong."""
        loaded = load_config(self.settings.config, launch=self.settings.launch)
        if loaded.path is None:
            return loaded
        return self._fresh(loaded.path)

    def find(self, model: str) -> LoadedConfig:
        """The team of `model`; raises `BadChatRequest` for a name that means nothing or is not allowed."""
        if not self.settings.select_models or model == MODEL:
            return self.default()
        prefix, _, rest = model.partition("/")
        if prefix != MODEL or not rest:
            text = f"The model {model[:100]!r} does not exist. GET /v1/models lists those that do."
            raise BadChatRequest(text, "model")
        if rest.startswith(PATH):
            return self._fresh(self._allowed(rest[len(PATH) :]))
        try:
            loaded = load_config(f"{EXAMPLES_PREFIX}{rest}", launch=self.settings.launch)
        except (ConfigNotFound, ConfigError):
            raise BadChatRequest(f"The model {model[:100]!r} does not exist.", "model") from None
        return loaded

    def names(self) -> list[str]:
        """Model names for `/v1/models`."""
        if not self.settings.select_models:
            return [MODEL]
        return [MODEL, *(f"{MODEL}/{name}" for name in example_names())]

    def _allowed(self, text: str) -> Path:
        """The real file behind `massgen/path:`; links out of the allowed directories do not count as inside."""
        refused = BadChatRequest("massgen/path: names no configuration in an allowed directory.", "model")
        if "\0" in text:
            raise refused
        try:
            path = (self.settings.launch / Path(text).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError):
            raise refused from None
        allowed = (self.settings.launch.resolve(), *self.settings.directories)
        if path.suffix not in (".yaml", ".yml", ".json") or not any(path.is_relative_to(root) for root in allowed):
            raise refused
        if not path.is_file():
            raise refused
        return path

    def _fresh(self, path: Path) -> LoadedConfig:
        changed = path.stat().st_mtime
        known = self._kept.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        loaded = load_config(path, launch=self.settings.launch)
        self._kept[path] = (changed, loaded)
        return loaded
