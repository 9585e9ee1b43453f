"""The look of the terminal application, in both themes."""

STYLES = """
Screen { layout: vertical; }
#header { height: 1; background: $panel; color: $text; text-wrap: nowrap; text-overflow: ellipsis; }
#jobs { height: 1; background: $primary 30%; text-wrap: nowrap; text-overflow: ellipsis; }
#tabs { height: 1; display: none; background: $surface; }
#team { height: 1fr; layout: grid; grid-gutter: 0; }
#team.tabbed { layout: vertical; }
.agent { border: round $foreground 30%; padding: 0 1; height: 1fr; }
Lines { scrollbar-size-vertical: 0; padding-right: 1; overflow-x: hidden; }
Lines:focus, Lines.away { scrollbar-size-vertical: 1; scrollbar-gutter: stable; padding-right: 0; }
.agent.streaming { border: round $primary; }
.agent.answered, .agent.voted { border: round $success 60%; }
.agent.error, .agent.timeout { border: round $error; }
.agent.winner { border: heavy $success; }
.agent:focus-within { border: heavy $accent; }
#final { display: none; height: auto; max-height: 45%; border: double $success; padding: 0 1; }
#final.shown { display: block; scrollbar-size-vertical: 1; }
#final:focus { border: double $accent; }
#welcome { height: 1fr; padding: 1 2; }
#bar { height: 1; color: $text-muted; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
#prompt { height: auto; max-height: 6; border: round $primary 50%; padding: 0 1; background: $background; }
#prompt:focus { border: round $accent; }
.ascii .agent, .ascii #final, .ascii #prompt, .ascii #answer { border: ascii $foreground; }
.ascii #header, .ascii #bar { text-overflow: clip; }
ToastRack { dock: top; align: right top; margin-top: 1; }
ModalScreen { align: center middle; background: $background 60%; }
.box { width: 96%; height: 94%; border: round $accent; background: $surface; padding: 0 1; }
#modes { height: 1; background: $surface; display: none; }
.mode { width: auto; height: 1; padding: 0 1; }
.mode:hover { background: $primary 40%; }
.box.small { width: 80%; max-width: 100; height: auto; max-height: 90%; }
.box.small .hint { dock: none; }
.box.small OptionList { height: auto; max-height: 16; }
.box .side { width: 34; height: 1fr; }
.box .body { width: 1fr; height: 1fr; padding: 0 1; }
.box .whole { width: 1fr; height: auto; }
.box .whole.wide { width: auto; }
#text { scrollbar-size: 1 1; }
.box.question { width: 80%; max-width: 110; height: auto; max-height: 90%; }
.asked { height: auto; scrollbar-size-vertical: 1; }
.choices { height: auto; scrollbar-size-vertical: 1; }
.box.question .hint { dock: none; }
.send { width: auto; height: 1; color: $text-accent; }
.send:hover { background: $primary 40%; }
#answer { height: auto; min-height: 3; max-height: 8; border: round $primary 50%; padding: 0 1; }
#answer:focus { border: round $accent; }
.hint { height: 1; color: $text-muted; dock: bottom; }
.ascii .box, .ascii OptionList, .ascii SelectionList { border: ascii $accent; }
.ascii .choices { border: none; }
.ascii Toast { border-left: ascii $accent; }
"""
