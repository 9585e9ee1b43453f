"""What is in `inside` runs in the environment of `make clients` only."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("langchain_community") else ["inside"]
