"""What an interactive session in plain text begins with (SESS-003, SESS-004)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

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
WIDTH = 78


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
    """The three panels."""
    for lines in ((*LOGO.splitlines(), "", MOTTO), tuple(team_lines(config)), HELP):
        for line in panel(lines):
            out.line(line)


def panel(lines: Sequence[str], title: str = "") -> Iterator[str]:
    """Lines in a frame; lines that are too long for it are cut."""
    head = f" {title} " if title else ""
    yield f"╭{head:─^{WIDTH}}╮"
    for line in lines:
        text = _cut(line, WIDTH - 4)
        yield f"│  {text}{' ' * max(0, WIDTH - 4 - cells(text))}  │"
    yield f"╰{'─' * WIDTH}╯"


def _cut(text: str, width: int) -> str:
    while cells(text) > width:
        text = text[: max(1, len(text) - (cells(text) - width) - 1)] + "…"
    return text


def cells(text: str) -> int:
    """Columns of a terminal."""
    total = 0
    for index, character in enumerate(text):
        if character == "\ufe0f" or unicodedata.combining(character):
            continue
        pictured = text[index + 1 : index + 2] == "\ufe0f"
        total += 2 if pictured or unicodedata.east_asian_width(character) in "WF" else 1
    return total
