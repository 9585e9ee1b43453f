"""Documented import path of the background shells for scripts (`background_shell.py`)."""
