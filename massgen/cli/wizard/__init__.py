"""Wizards in plain text: API keys, configurations by questions or by flags, and the picker (section 4 of the rows).

They start only where a person sits at both ends (CFG-091), and a file appears whole or not at all.
"""
