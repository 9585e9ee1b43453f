"""Documented import paths of memory for scripts; nothing is imported before it is asked for."""
