"""What is said of a directory without the events of a run."""

from __future__ import annotations

from pathlib import Path

from massgen.errors import ConfigError


def missing_log(log_dir: Path) -> ConfigError:
    """The error for `log_dir`: a run that kept no text logs (LOG-018) is told from a directory without one."""
    if (log_dir / "status.json").is_file():
        return ConfigError(
            f"{log_dir}: this run kept no events (--no-logs or logging_enabled: false).",
            hint="It can be neither replayed nor resumed; massgen logs shows what it came to.",
        )
    return ConfigError(
        f"{log_dir}: there is no log of a run here.",
        hint="Give the directory that was printed as LOG_DIR (log_YYYYMMDD_HHMMSS_...).",
    )
