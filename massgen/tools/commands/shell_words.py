"""A shell command taken apart for the filters: its simple commands, their words, their redirections.

This reads what can be read without running a shell: quotes, pipes, lists, groups, substitutions, here-documents.
Variables and globs stay as they are; what they hide is the sandbox's business (EXEC-026).
"""

from __future__ import annotations

from dataclasses import dataclass, field

_LISTS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n", "(", ")")
_REDIRECTIONS = ("&>>", "&>", ">>", ">|", ">&", "<>", ">", "<<<", "<&", "<")


class NotReadable(ValueError):
    """The command has an open quote or bracket."""


@dataclass(slots=True, kw_only=True)
class SimpleCommand:
    """`words` without quotes, `targets` of output redirections, `text` as it was written, `here` documents.

    `whole` is False where the command could not be taken apart.
    """

    words: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    text: str = ""
    here: str = ""
    whole: bool = True


def simple_commands(command: str) -> list[SimpleCommand]:
    """All simple commands of `command`, those inside `$( )`, backquotes and groups too; may raise `NotReadable`."""
    return _Reader(command).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: list[SimpleCommand] = []
        self.current = SimpleCommand()
        self.begin = 0
        self.word: list[str] | None = None
        self.awaiting = ""
        self.documents: list[tuple[str, bool, SimpleCommand]] = []

    def read(self) -> list[SimpleCommand]:
        while self.at < len(self.text):
            self.step(self.text[self.at])
        self.finish(self.at)
        return self.found

    def step(self, character: str) -> None:
        text, at = self.text, self.at
        if character == "\\":
            if text[at + 1 : at + 2] != "\n":
                self.add(text[at + 1 : at + 2])
            self.at += 2
        elif character == "'":
            self.add(self.until("'", at + 1))
        elif character == '"':
            self.double_quoted()
        elif character == "`":
            self.nested(self.until("`", at + 1))
        elif text.startswith("$((", at):
            self.add(self.bracketed(at + 2))
        elif text.startswith(("$(", "<(", ">("), at):
            self.nested(self.bracketed(at + 2))
        elif character == "#" and self.word is None:
            end = text.find("\n", at)
            self.at = len(text) if end < 0 else end
        elif character in " \t":
            self.end_word()
            self.at += 1
        elif text.startswith("<<", at) and not text.startswith("<<<", at):
            self.here_document()
        elif (operator := self.starts(_REDIRECTIONS)) and not (character == "&" and operator == "&"):
            self.redirect(operator)
        elif operator := self.starts(_LISTS):
            self.separate(operator)
        else:
            self.add(character)
            self.at += 1

    def starts(self, operators: tuple[str, ...]) -> str:
        return next((operator for operator in operators if self.text.startswith(operator, self.at)), "")

    def add(self, piece: str) -> None:
        self.word = self.word or []
        self.word.append(piece)

    def until(self, closing: str, start: int) -> str:
        end = self.text.find(closing, start)
        if end < 0:
            raise NotReadable(f"an open {closing}")
        self.at = end + 1
        return self.text[start:end]

    def double_quoted(self) -> None:
        self.add("")
        self.at += 1
        while True:
            character = self.text[self.at : self.at + 1]
            if not character:
                raise NotReadable('an open "')
            if character == '"':
                self.at += 1
                return
            if character == "\\":
                self.add(self.text[self.at + 1 : self.at + 2])
                self.at += 2
            elif character == "`":
                self.nested(self.until("`", self.at + 1))
            elif self.text.startswith("$(", self.at):
                self.nested(self.bracketed(self.at + 2))
            else:
                self.add(character)
                self.at += 1

    def bracketed(self, start: int) -> str:
        """The text up to the bracket that closes the one before `start`; quotes inside may hold brackets."""
        depth, at = 1, start
        while at < len(self.text):
            character = self.text[at]
            if character == "\\":
                at += 1
            elif character in "'\"":
                at = self.text.find(character, at + 1)
                if at < 0:
                    break
            elif character in "()":
                depth += 1 if character == "(" else -1
                if depth == 0:
                    self.at = at + 1
                    return self.text[start:at]
            at += 1
        raise NotReadable("an open bracket")

    def nested(self, inner: str) -> None:
        self.add("$(...)")
        self.found += simple_commands(inner)

    def end_word(self) -> None:
        if self.word is None:
            return
        word = "".join(self.word)
        self.word = None
        if self.awaiting:
            if ">" in self.awaiting:
                self.current.targets.append(word)
            self.awaiting = ""
        else:
            self.current.words.append(word)

    def redirect(self, operator: str) -> None:
        if self.word is not None and "".join(self.word).isdigit():
            self.word = None
        self.end_word()
        self.at += len(operator)
        self.awaiting = operator
        rest = self.text[self.at :]
        if operator in (">&", "<&") and rest[:1] and (rest[0].isdigit() or rest[0] == "-"):
            self.at += 1
            self.awaiting = ""

    def here_document(self) -> None:
        self.end_word()
        self.at += 2
        strip = self.text[self.at : self.at + 1] == "-"
        self.at += strip
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in " \t\n;|&<>()":
            self.at += 1
        delimiter = self.text[start : self.at].replace("'", "").replace('"', "").replace("\\", "")
        self.documents.append((delimiter, strip, self.current))

    def separate(self, operator: str) -> None:
        self.finish(self.at)
        self.at += len(operator)
        if operator == "\n":
            self.read_documents()
        self.begin = self.at

    def read_documents(self) -> None:
        for delimiter, strip, owner in self.documents:
            lines = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                line = self.text[self.at : end if end >= 0 else len(self.text)]
                self.at = end + 1 if end >= 0 else len(self.text)
                if (line.lstrip("\t") if strip else line) == delimiter:
                    break
                lines.append(line)
            owner.here += "\n".join(lines)
        self.documents = []

    def finish(self, end: int) -> None:
        self.end_word()
        command = self.current
        command.text = self.text[self.begin : end].strip()
        if command.words or command.targets:
            self.found.append(command)
        self.current = SimpleCommand()
        self.awaiting = ""
