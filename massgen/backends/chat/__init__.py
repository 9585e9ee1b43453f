"""Chat completions spoken by ourselves, for servers of which no library knows more than the wire format.

It is what most runs on a local or compatible server need, and it takes a tenth of the library's time and memory.
What it does not speak (media, provider tools, models with a profile of their own) goes through the library.
"""
