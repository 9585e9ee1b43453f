"""Copy the project's specification into docs/spec, without the references that lead out of the repository.

    python scripts/copy_spec.py SOURCE [TARGET]

docs/spec/later.txt belongs to the repository and is left alone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUBSTITUTIONS = (
    (re.compile(r"sources are pages below `shared/seeds`"), "sources are pages of the product's documentation"),
    (re.compile(r"(is|are) relative to `shared/seeds/?`"), r"\1 relative to the product's documentation"),
    (
        re.compile(r"`rows\.py list [^`]*` reads the tables; run `check` after every edit\."),
        "`scripts/spec_coverage.py` reads the tables.",
    ),
    (re.compile(r"`design/libraries\.md`"), "the project"),
    (re.compile(r" in the project \(id, reason\)"), " (id, reason)"),
    (re.compile(r"`docs/spec/later\.txt`"), "[later.txt](later.txt)"),
)
OUTSIDE = re.compile(r"shared/|rows\.py|design/libraries|\]\(\.\./")


def adapt(text: str) -> str:
    for pattern, replacement in SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return text


def main(arguments: list[str]) -> int:
    source = Path(arguments[0])
    target = Path(arguments[1]) if len(arguments) > 1 else ROOT / "docs" / "spec"
    pages = sorted(source.glob("*.md"))
    if not pages:
        print(f"{source} has no pages; docs/spec stays as it is.", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    left = []
    for page in pages:
        text = adapt(page.read_text(encoding="utf-8"))
        left += [f"{page.name}: {match.group()}" for match in OUTSIDE.finditer(text)]
        (target / page.name).write_text(text, encoding="utf-8")
    print(f"{target.name}: {len(pages)} pages")
    print(*(f"still leads out of the repository: {place}" for place in left), sep="\n", end="\n" if left else "")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
