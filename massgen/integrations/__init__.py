"""Doors for programs: the Python call, LiteLLM, tracing. Each is imported when it is used."""
