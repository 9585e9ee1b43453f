#!/usr/bin/env bash
# What a run leaves behind, and how to look at it.
set -eu

log=$(massgen --automation --config @examples/demo/duo "Tabs or spaces?" 2>/dev/null | sed -n 's/^LOG_DIR: //p')
massgen logs list
massgen logs summary
massgen replay "$log"
