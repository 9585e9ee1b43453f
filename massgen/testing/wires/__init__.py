"""The wire formats that the provider speaks, one module each.

A wire is four functions: `view` (a request body in the common form), `stream` (a turn as server-sent
events), `whole` (a turn as one body) and `error` (the body of an error).
"""
