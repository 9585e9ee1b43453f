"""Which time limits are in force (CFG-028)."""

from __future__ import annotations

from massgen.config.schema.root import Config
from massgen.config.schema.timeouts import TimeoutSettings


def effective_timeouts(config: Config) -> TimeoutSettings:
    """Per key: `timeout_settings`, then `orchestrator.timeout`, then the default.

    Flags beat both; they come in as overrides of `timeout_settings` when the configuration is loaded.
    """
    merged: dict[str, object] = {}
    for source in (config.orchestrator.timeout, config.timeout_settings):
        merged.update({key: getattr(source, key) for key in source.model_fields_set})
    return TimeoutSettings.model_validate(merged)
