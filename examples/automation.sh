#!/usr/bin/env bash
# Ask from a script: lines with fixed names on standard output, the rest on standard error.
set -eu

massgen --automation --config @examples/demo/duo "Tabs or spaces?" >out.txt 2>err.txt
echo "The winner is $(sed -n 's/^WINNER: //p' out.txt). Its answer:"
cat "$(sed -n 's/^ANSWER_FILE: //p' out.txt)"
