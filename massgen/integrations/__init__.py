"""Doors to other programs and frameworks."""
