"""Examples to start from."""

from massgen.tool._basic._two_num_tool import two_num_tool

__all__ = ["two_num_tool"]
