"""What an interactive session in plain text begins with (SESS-003, SESS-004)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size

from massgen.cli.console import Writer, one_line
from massgen.config import Config
from massgen.config.backend_types import canonical_type

LOGO = """\
███╗   ███╗ █████╗ ███████╗███████╗ ██████╗ ███████╗███╗   ██╗
████╗ ████║██╔══██╗██╔════╝██╔════╝██╔════╝ ██╔════╝████╗  ██║
██╔████╔██║███████║███████╗███████╗██║  ███╗█████╗  ██╔██╗ ██║
██║╚██╔╝██║██╔══██║╚════██║╚════██║██║   ██║██╔══╝  ██║╚██╗██║
██║ ╚═╝ ██║██║  ██║███████║███████║╚██████╔╝███████╗██║ ╚████║
╚═╝     ╚═╝╚═╝  ╚═╝╚══════╝╚══════╝ ╚═════╝ ╚══════╝╚═╝  ╚═══╝"""
MOTTO = "🤖 🤖 🤖 → 💬 collaborate → 🎯 winner → 📢 final"
HELP = (
    "💬 Type your questions below",
    "💡 Use: /help, /quit, /reset, /status, /config, /context, /inspect",
    "📝 For multi-line input: start with \"\"\" or '''",
    "⌨️ Press Ctrl+C to exit",
)
LABELS = {
    "openai": "Response",
    "claude": "Claude",
    "gemini": "Gemini",
    "grok": "Grok",
    "chatcompletion": "ChatCompletion",
    "claude_code": "Claude Code",
    "azure_openai": "Azure OpenAI",
    "lmstudio": "LM Studio",
}
WIDTH, NARROWEST = 78, 24
MOST_LINES = 4
"""Of one fact in a frame."""


def provider_label(kind: str) -> str:
    """How people call a backend type."""
    name = canonical_type(kind) or kind
    return LABELS.get(name, name.replace("_", " ").title())


def team_lines(config: Config) -> Iterator[str]:
    """The mode and one line for each agent."""
    count = len(config.agents)
    yield f"🤝 Mode: Multi-Agent ({count} agents)" if count > 1 else "🤝 Mode: Single Agent"
    for number, agent in enumerate(config.agents, 1):
        branch = "└─" if number == count else "├─"
        backend = agent.backend
        yield f"{branch} {one_line(agent.id)}: {one_line(backend.model or '-')} ({provider_label(backend.type)})"


def show_start(out: Writer, config: Config) -> None:
    """The three panels; the logo where there is room for it."""
    logo = LOGO.splitlines() if cells(LOGO.splitlines()[0]) <= _width() - 4 else ["MASSGEN"]
    for lines in ((*logo, "", MOTTO), tuple(team_lines(config)), HELP):
        for line in panel(lines):
            out.line(line)


def _width() -> int:
    """Of a frame without its sides: no line of it is broken by the terminal."""
    return max(NARROWEST, min(WIDTH, get_terminal_size().columns - 2))


def panel(lines: Sequence[str], title: str = "") -> Iterator[str]:
    """Lines in a frame; longer ones go on in the next line, and very long ones are cut."""
    width = _width()
    head = f" {title} " if title else ""
    yield f"╭{head:─^{width}}╮"
    for line in lines:
        for text in _folded(line, width - 4):
            yield f"│  {text}{' ' * max(0, width - 4 - cells(text))}  │"
    yield f"╰{'─' * width}╯"


def _folded(text: str, width: int) -> Iterator[str]:
    for _ in range(MOST_LINES - 1):
        if cells(text) <= width:
            break
        head = text[: _fitting(text, width)]
        at = head.rfind(" ")
        head = head[:at] if at > width // 2 else head
        yield head
        text = f"  {text[len(head) :].lstrip()}"
    yield text if cells(text) <= width else f"{text[: _fitting(text, width - 1)]}…"


def _fitting(text: str, width: int) -> int:
    """How many characters have room."""
    count = min(len(text), width)
    while cells(text[:count]) > width:
        count -= 1
    return count


def cells(text: str) -> int:
    """Columns of a terminal."""
    total = 0
    for index, character in enumerate(text):
        if character == "\ufe0f" or unicodedata.combining(character):
            continue
        pictured = text[index + 1 : index + 2] == "\ufe0f"
        total += 2 if pictured or unicodedata.east_asian_width(character) in "WF" else 1
    return total
