"""Child program of the search where ripgrep is missing: `number:line` for each matching line of standard input.

It is a process of its own because a regular expression can run for ever, and only a process can be stopped.
Arguments: the pattern, and `i` for any case. Exit codes as ripgrep: 0 found, 1 nothing, 2 bad pattern.
"""

from __future__ import annotations

import re
import sys


def main(pattern: str, flags: str) -> int:
    """Match and print; returns the exit code."""
    try:
        expression = re.compile(pattern.encode(), re.IGNORECASE if "i" in flags else 0)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        sys.stderr.write(str(error))
        return 2
    found = False
    for number, line in enumerate(sys.stdin.buffer, 1):
        if expression.search(line.rstrip(b"\r\n")):
            found = True
            sys.stdout.buffer.write(b"%d:%s" % (number, line if line.endswith(b"\n") else line + b"\n"))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
