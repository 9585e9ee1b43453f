"""The help that F1 shows (TUI-049)."""

KEYS = """\
Anywhere
  Ctrl+C         cancel the turn and keep what there is; twice: leave at once; while idle: leave
  Ctrl+K         command palette (every action, themes)
  F1             this help
  F2             light or dark
  Shift+Tab, Tab move between the input, the agents and the answer; Escape leaves the input

While no text is being typed
  1 ... 9, 0     go to an agent            z   zoom it, and back
  e              open or close its thoughts and tool calls (a click opens one)
  r              coordination table        a   answers and votes
  t              timeline                  c   conversation
  w              workspace files           f   final answer on the whole screen
  l              light or dark             ?   this help
  q              close what is open
"""
ASKING = """
In the input
  Enter          ask; while the team works: tell it to all agents, @agent TEXT to one
  Ctrl+J         new line          Up, Down   earlier questions          Tab   complete /commands and @paths
  Ctrl+P         let the agents see this directory: off, read, write
  @path, @path:w let the agents read, or write, a file or directory
  /help /status /config /context /inspect /clear /cancel /quit
"""
VIEWING = """
In the viewer
  [ and ]        earlier and later turn or attempt
  Ctrl+Q, q      leave
"""
