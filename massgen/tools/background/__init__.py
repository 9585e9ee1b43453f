"""Tool calls in the background of an agent's turn (BG-001 to BG-019): `jobs.py` runs them, `tools.py` shows them."""
