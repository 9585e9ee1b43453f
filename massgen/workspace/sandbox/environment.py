"""The environment that commands get: the host's, without secrets and without ways out (EXEC-007)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SECRET_WORDS = frozenset(
    {"KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "CREDENTIAL",
     "CREDENTIALS", "PAT"}
)  # fmt: skip
_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")
_URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_HOST_ONLY = frozenset(
    {"SSH_AUTH_SOCK", "SSH_AGENT_PID", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
     "GPG_AGENT_INFO", "DOCKER_HOST", "KUBECONFIG", "GNUPGHOME", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH",
     "OLDPWD", "PWD", "SHLVL", "_", "LD_PRELOAD", "BASH_ENV", "ENV", "TMPDIR", "TMP", "TEMP"}
)  # fmt: skip


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable is a secret: by a word of its name, or because its value is a URL with a password."""
    upper = name.upper()
    words = set(upper.split("_"))
    return bool(words & _SECRET_WORDS) or upper.endswith(_SECRET_ENDINGS) or bool(_URL_WITH_PASSWORD.search(value))


def command_environment(
    host: Mapping[str, str], *, passthrough: Iterable[str] = (), dotenv_names: Iterable[str] = ()
) -> dict[str, str]:
    """The host's variables less secrets, less what `.env` files gave, less addresses of host services.

    A name in `passthrough` (`command_line_env_passthrough`) is given whatever it is.
    """
    named = set(passthrough)
    withheld = set(dotenv_names)
    return {
        name: value
        for name, value in host.items()
        if name in named
        or not (
            name in withheld or name in _HOST_ONLY or name.startswith(("XDG_", "BASH_FUNC_")) or is_secret(name, value)
        )
    }
