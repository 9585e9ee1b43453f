"""Documented import paths: background shells for scripts (`background_shell.py`), and file safety (WS-134)."""

from massgen.tools.files.permission import PathPermissionManager
from massgen.tools.files.tracker import FileOperationTracker

__all__ = ["FileOperationTracker", "PathPermissionManager"]
