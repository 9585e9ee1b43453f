"""The user's own Python functions as tools, run in worker processes."""
