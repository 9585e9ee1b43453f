"""Code before and after tool calls (HOOK-001 to HOOK-033)."""
