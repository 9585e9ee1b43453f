#!/usr/bin/env bash
# Builds the images for command_line_execution_mode: docker.
#   bash massgen/docker/build.sh            massgen/mcp-runtime:latest
#   bash massgen/docker/build.sh --sudo     massgen/mcp-runtime-sudo:latest as well
# MASSGEN_CONTAINER_ENGINE names another engine, for example podman.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engine=${MASSGEN_CONTAINER_ENGINE:-docker}
sudo=no
for argument in "$@"; do
    case $argument in
        --sudo) sudo=yes ;;
        -h | --help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "Unknown argument: $argument (known: --sudo)" >&2; exit 1 ;;
    esac
done

if ! command -v "$engine" >/dev/null; then
    echo "$engine is not installed: https://docs.docker.com/engine/install" >&2
    exit 1
fi

"$engine" build -t massgen/mcp-runtime:latest -f "$here/Dockerfile" "$here"
if [ "$sudo" = yes ]; then
    "$engine" build -t massgen/mcp-runtime-sudo:latest -f "$here/Dockerfile.sudo" "$here"
fi
