"""Documented import paths of memory for scripts."""
