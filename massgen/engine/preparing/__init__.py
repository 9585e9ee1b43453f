"""Model calls before coordination: criteria, personas, paraphrases, subtasks, irreversible tools.

Each is one call (or a few at once) without tools; a failure never ends the run: the team goes on without.
"""
