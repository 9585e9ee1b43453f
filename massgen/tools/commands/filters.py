"""Which commands are refused before they run (EXEC-020 to EXEC-025).

Filters stop accidents and say why; they can be circumvented, the sandbox is what holds (EXEC-026).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from massgen.errors import ConfigError
from massgen.tools.commands.programs import all_commands, unwrapped
from massgen.tools.commands.shell_words import SimpleCommand

_FORK_BOMB = re.compile(r"(?<![\w:.])([\w:.]{1,40})\s*\(\s*\)\s*\{[^}]{0,200}?\1\s*\|\s*\1\s*&[^}]{0,200}\}")
_DISK = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|mapper/|disk|loop|md|dm-)")
_WHOLE = re.compile(r"(?:/|~|\$HOME|\$\{HOME\}|/(?:bin|boot|dev|etc|home|lib\w*|opt|proc|root|sbin|sys|usr|var))/?\*?")
_OPEN_TO_ALL = re.compile(r"0?[0-7]?777|(?:a|ugo)?[+=]rwx[st]*")


class Filters(Struct, frozen=True, kw_only=True):
    """`allowed` and `blocked` are compiled patterns of the configuration; `sudo` lifts that one rule."""

    allowed: tuple[re.Pattern[str], ...] = ()
    blocked: tuple[re.Pattern[str], ...] = ()
    sudo: bool = False

    def objection(self, command: str) -> str | None:
        """Why `command` is refused, naming the rule; None where it may run."""
        parts = all_commands(command)
        return _dangerous(command, parts, sudo=self.sudo) or self._configured(command, parts)

    def _configured(self, command: str, parts: list[SimpleCommand]) -> str | None:
        texts = [command.strip(), *(part.text for part in parts), *(" ".join(part.words) for part in parts)]
        for pattern in self.blocked:
            if any(pattern.search(text) for text in texts):
                return f"it matches the blocked pattern '{pattern.pattern}'"
        if not self.allowed:
            return None
        for part in parts or [SimpleCommand(text=command.strip())]:
            if not part.whole:
                return f"'{part.text[:100]}' cannot be read, so that no allowed pattern can be checked"
            if not any(pattern.match(part.text) for pattern in self.allowed):
                patterns = ", ".join(f"'{pattern.pattern}'" for pattern in self.allowed)
                return f"'{part.text[:100]}' matches none of the allowed patterns {patterns}"
        return None


def compile_filters(
    allowed: Iterable[tuple[str, str]] = (), blocked: Iterable[tuple[str, str]] = (), *, sudo: bool = False
) -> Filters:
    """Filters from pairs of configuration key and pattern; raises `ConfigError` naming the key (EXEC-025)."""
    return Filters(
        allowed=tuple(_compile(key, pattern) for key, pattern in allowed),
        blocked=tuple(_compile(key, pattern) for key, pattern in blocked),
        sudo=sudo,
    )


def _compile(key: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{key}: '{pattern}' is not a regular expression: {error}.") from None


def _dangerous(command: str, parts: list[SimpleCommand], *, sudo: bool) -> str | None:
    if _FORK_BOMB.search(command):
        return "it is a fork bomb"
    for part in parts:
        for target in part.targets:
            if _DISK.match(target):
                return f"it writes to the disk device {target}"
        words = unwrapped(part.words)
        if not words:
            continue
        if words[0] in ("sudo", "doas", "su", "pkexec"):
            if not sudo or words[0] != "sudo":
                return f"'{words[0]}' is not allowed"
            words = unwrapped([word for word in words[1:] if not word.startswith("-")][:1] + words[2:])
            if not words:
                continue
        rule = _RULES.get(words[0]) or (_makes_file_system if words[0].startswith("mkfs") else None)
        if rule is not None and (reason := rule(words)):
            return reason
    return None


def _removes_everything(words: list[str]) -> str | None:
    flags = "".join(word.lstrip("-") for word in words[1:] if word.startswith("-") and not word.startswith("--"))
    recursive = "r" in flags.lower() or "--recursive" in words
    if "--no-preserve-root" in words:
        return "'rm --no-preserve-root' is not allowed"
    target = next((word for word in words[1:] if _WHOLE.fullmatch(re.sub(r"/+(\./*)*", "/", word))), None)
    return f"'rm -rf {target}' would remove a whole system or home directory" if recursive and target else None


def _opens_to_all(words: list[str]) -> str | None:
    opened = next((word for word in words[1:] if _OPEN_TO_ALL.fullmatch(word)), None)
    return f"'chmod {opened}' is not allowed" if opened else None


def _overwrites_disk(words: list[str]) -> str | None:
    disk = next((word for word in words[1:] if word.startswith("of=") and _DISK.match(word[3:])), None)
    return f"'dd {disk}' would overwrite a disk" if disk else None


def _writes_disk(words: list[str]) -> str | None:
    disk = next((word for word in words[1:] if _DISK.match(word)), None)
    return f"'{words[0]}' would write to {disk}" if disk else None


def _makes_file_system(words: list[str]) -> str | None:
    return f"'{words[0]}' would make a new file system"


def _moves_to_null(words: list[str]) -> str | None:
    return "'mv ... /dev/null' would lose the files" if words[-1] == "/dev/null" else None


def _stops_machine(words: list[str]) -> str | None:
    return f"'{words[0]}' is not allowed"


_RULES: dict[str, Callable[[list[str]], str | None]] = {
    "rm": _removes_everything,
    "chmod": _opens_to_all,
    "dd": _overwrites_disk,
    "cp": _writes_disk,
    "tee": _writes_disk,
    "wipefs": _writes_disk,
    "shred": _writes_disk,
    "mv": _moves_to_null,
    "shutdown": _stops_machine,
    "reboot": _stops_machine,
    "poweroff": _stops_machine,
    "halt": _stops_machine,
}
