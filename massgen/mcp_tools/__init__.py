"""Documented import paths of MCP tools and hooks."""
