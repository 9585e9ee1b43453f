"""Conversations within their context, and memory files."""
