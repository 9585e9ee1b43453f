"""Which team answers a model name (SRV-004, SRV-006). Paths only below directories that the operator allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from massgen.config import LoadedConfig, load_file
from massgen.config.discovery import find_config
from massgen.config.packaged import EXAMPLES_PREFIX, example_names, find_example
from massgen.errors import ConfigError
from massgen.runs.chats import BadChatRequest
from massgen.server.settings import ServerSettings

MODEL = "massgen"
PATH = "path:"


@dataclass(slots=True)
class Teams:
    """Loads configurations and keeps those whose file has not changed."""

    settings: ServerSettings
    _kept: dict[Path, tuple[float, LoadedConfig]] = field(default_factory=dict)

    def default(self) -> LoadedConfig:
        """The server's own team. Raises `ConfigNotFound` where there is none, `ConfigError` where it cannot be read."""
        return self._fresh(find_config(self.settings.config, self.settings.launch))

    def find(self, model: str) -> LoadedConfig:
        """The team of `model`; raises `BadChatRequest` for a name that means nothing or is not allowed."""
        if not self.settings.select_models or model == MODEL:
            return self.default()
        prefix, _, rest = model.partition("/")
        if prefix != MODEL or not rest:
            text = f"The model {model[:100]!r} does not exist. GET /v1/models lists those that do."
            raise BadChatRequest(text, "model", status=404)
        if rest.startswith(PATH):
            return self._fresh(self._allowed(rest[len(PATH) :]))
        path = find_example(f"{EXAMPLES_PREFIX}{rest}")
        if path is None:
            raise BadChatRequest(f"The model {model[:100]!r} does not exist.", "model", status=404)
        return self._fresh(path)

    def names(self) -> list[str]:
        """Model names for `/v1/models`."""
        if not self.settings.select_models:
            return [MODEL]
        return [MODEL, *(f"{MODEL}/{name}" for name in example_names())]

    def _allowed(self, text: str) -> Path:
        """The real file behind `massgen/path:`; links out of the allowed directories do not count as inside."""
        text_of_refusal = "massgen/path: names no configuration in an allowed directory."
        refused = BadChatRequest(text_of_refusal, "model", status=404)
        if "\0" in text:
            raise refused
        try:
            path = (self.settings.launch / Path(text).expanduser()).resolve()
            is_file = path.is_file()
        except (OSError, RuntimeError, ValueError):
            raise refused from None
        allowed = (self.settings.launch.resolve(), *self.settings.directories)
        if path.suffix not in (".yaml", ".yml", ".json") or not any(path.is_relative_to(root) for root in allowed):
            raise refused
        if not is_file:
            raise refused
        return path

    def _fresh(self, path: Path) -> LoadedConfig:
        """Loaded anew where the file changed since; raises `ConfigError` where it cannot be used."""
        try:
            changed = path.stat().st_mtime
        except OSError as error:
            raise ConfigError(f"The configuration {path} cannot be read: {error.strerror}") from None
        known = self._kept.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        loaded = load_file(path, launch=self.settings.launch)
        loaded.require()
        self._kept[path] = (changed, loaded)
        return loaded
