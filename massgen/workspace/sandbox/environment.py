"""The environment that commands get: the host's, without secrets and without ways out (EXEC-007)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SECRET_WORDS = frozenset(
    {"KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PASSPHRASE",
     "CREDENTIAL", "CREDENTIALS", "PAT", "AUTH", "AUTHORIZATION", "BEARER", "COOKIE", "COOKIES", "WEBHOOK", "DSN"}
)  # fmt: skip
_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS", "_PWD", "CONNECTION_STRING")
_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bAIza[\w-]{30,}|\bAKIA[A-Z0-9]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bxai-[A-Za-z0-9]{20,}|\bgsk_[A-Za-z0-9]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|(?i:\bbearer\s+[\w.~+/-]{16,})"
    r"|hooks\.slack\.com/services/"
)
_URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_HOST_ONLY = frozenset(
    {"SSH_AUTH_SOCK", "SSH_AGENT_PID", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
     "GPG_AGENT_INFO", "DOCKER_HOST", "KUBECONFIG", "GNUPGHOME", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH",
     "OLDPWD", "PWD", "SHLVL", "_", "LD_PRELOAD", "BASH_ENV", "ENV", "TMPDIR", "TMP", "TEMP"}
)  # fmt: skip


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable is a secret: by a word of its name, or by its value: a URL with a password, a key of a known
    form."""
    upper = name.upper()
    words = set(upper.split("_"))
    return (
        bool(words & _SECRET_WORDS)
        or upper.endswith(_SECRET_ENDINGS)
        or bool(_URL_WITH_PASSWORD.search(value) or _SECRET_VALUE.search(value))
    )


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
