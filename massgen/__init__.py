"""MassGen: several AI agents work on one task at the same time, see each other's answers and vote."""

__version__ = "0.1.0"

__all__ = ["__version__"]
