#!/bin/sh
# Developer set-up on Linux and macOS: .venv with MassGen in editable form and everything its tests need.
set -eu
cd "$(dirname "$0")/.."
make setup
echo "Ready. Try: make demo"
