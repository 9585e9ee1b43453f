"""The help that F1 shows (TUI-049). No line is longer than a narrow terminal."""

KEYS = """\
Anywhere
  Ctrl+C         cancel the turn, keep what there is; again: leave
  Ctrl+Z         to the shell while the team works; fg comes back
  Ctrl+K         command palette: every action, themes
  F1, F2         this help; light or dark
  Tab, Shift+Tab between input, agents and answer; Esc leaves the input

While no text is being typed
  1 ... 9, 0     go to an agent          z  zoom it, and back
  e              open or close its thoughts and tool calls
  r              coordination table      a  answers and votes
  t              timeline                c  conversation
  w              workspace files         f  final answer, whole screen
  b              background jobs         l  light or dark
  q              close what is open      ?  this help
  v              answers as written      y  copy what is open
"""
ASKING = """
While the team works
  m              message to one agent    x  skip an agent for this turn
  s              stop after this turn    F4 a question waits for you
  n              look into a turn of the session

In the input
  Enter          ask; at work: tell all agents, @agent TEXT one
  Ctrl+J         new line                Up, Down  earlier questions
  Tab            complete /commands and @paths
  F5             modes: agents, work, refine, personas, questions
  Ctrl+P         let the agents see this directory: off, read, write
  @path, @path:w let the agents read, or write, a file or directory

Commands
"""
VIEWING = """
In the viewer
  [ and ]        earlier and later turn or attempt
  Ctrl+Q, q      leave
"""
