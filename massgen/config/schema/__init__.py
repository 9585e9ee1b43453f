"""The configuration tree: one frozen model a section, field names = YAML keys, one description a key.

The models parse, validate, fill defaults, and print the JSON Schema and the reference page; a key exists in
one place. Requirements ("`model` unless the type has a default") that need more than one key are in
`massgen.config.checks`.
"""
