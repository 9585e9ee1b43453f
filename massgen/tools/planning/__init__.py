"""The task plan of one agent and its tools (COORD-159 to COORD-163)."""
