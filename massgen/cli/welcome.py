"""What a person without key and configuration sees: the three ways on."""

from __future__ import annotations

from pathlib import Path

from massgen.cli.console import tell

WAYS = """\
No configuration was found. Three ways on:

  1. A provider's key
     export OPENAI_API_KEY=...
     massgen --model gpt-5-mini "your question"
     (likewise ANTHROPIC_API_KEY, GEMINI_API_KEY and others;
     keys may stand in ./.env or ~/.config/massgen/.env)
  2. A local server
     massgen --backend lmstudio --model NAME "your question"
     (also vllm, sglang; massgen --quickstart finds Ollama)
  3. The demo: a simulated team, no key, no network
     massgen --config @examples/demo/team

For a team of your own: massgen --quickstart,
or one of massgen --list-examples with --config.
"""


def show_ways_on() -> Path | None:
    """Explain a key, a local server and the demo, and offer the wizard; the configuration it made, if it did."""
    tell(WAYS)
    from massgen.cli.wizard.first_start import offer_setup

    return offer_setup()
