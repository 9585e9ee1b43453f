"""What a person without key and configuration sees: the three ways on."""

from __future__ import annotations

from massgen.cli.console import tell

WAYS = """\
No configuration was found. Three ways on:

  1. A provider's key   export OPENAI_API_KEY=...   then   massgen --model gpt-5-mini "your question"
                        (ANTHROPIC_API_KEY, GEMINI_API_KEY and others work the same way;
                        keys may stand in ./.env or ~/.config/massgen/.env)
  2. A local server     massgen --backend ollama --model llama3.2 "your question"
                        (also lmstudio, vllm, sglang)
  3. The demo           massgen --config @examples/demo/team      (no key, no network)

For a team of your own: massgen --list-examples, then massgen --config FILE "your question"
"""


def show_ways_on() -> None:
    """Explain a key, a local server and the demo; nothing is installed or written."""
    tell(WAYS)
