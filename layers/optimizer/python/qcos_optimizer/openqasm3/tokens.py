"""Words, numbers and signs of OpenQASM 3."""

from __future__ import annotations

import re

from ..errors import CircuitError

KEYWORDS = frozenset({
    "OPENQASM", "include", "defcalgrammar", "def", "cal", "defcal", "gate", "extern", "box", "let", "break",
    "continue", "if", "else", "end", "return", "for", "while", "in", "switch", "case", "default", "nop", "pragma",
    "input", "output", "const", "readonly", "mutable", "qreg", "qubit", "creg", "bool", "bit", "int", "uint",
    "float", "angle", "complex", "array", "void", "duration", "stretch", "gphase", "inv", "pow", "ctrl", "negctrl",
    "durationof", "delay", "reset", "measure", "barrier", "opaque", "true", "false", "im", "pi", "tau", "euler",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "sqrt",
})  # fmt: skip
_GREEK = {"π": "pi", "τ": "tau", "ℇ": "euler"}

# Possessive quantifiers: the pattern never backtracks, whatever the input.
_TOKEN = re.compile(
    r"""(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+
    (?: (?P<word>[A-Za-z_][A-Za-z0-9_]*+|[πτℇ])
      | (?P<sign>->|\*\*|[-+*/=@;,()\[\]{}])
      | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)(?![A-Za-z0-9_.])
      | (?P<string>"[^"\r\n]*+")
      | (?P<end>\Z)
      | (?P<stray>.) )""",
    re.VERBOSE | re.DOTALL,
)


class Tokens:
    """The tokens of a text, standing on one. ``kind`` is the text of keywords and signs, else ``name``, ``integer``,
    ``real``, ``string`` or ``end``. Every method raises :class:`CircuitError` at what is no token."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._next = _TOKEN.finditer(source).__next__
        self.kind = self.text = ""
        self.offset = 0
        self.advance()

    def advance(self) -> None:
        """Step to the next token."""
        match = self._next()
        group = match.lastgroup or "stray"
        self.text, self.offset = match[group], match.start(group)
        if group == "word":
            word = _GREEK.get(self.text, self.text)
            self.kind = word if word in KEYWORDS else "name"
        elif group == "sign":
            self.kind = self.text
        elif group == "number":
            self.kind = "integer" if self.text.isdecimal() else "real"
        else:
            self.kind = group
        if group == "stray":
            raise self.refuse("this begins nothing that can be read")

    def accept(self, kind: str) -> bool:
        """Step over the token if it is of this kind, and say whether it was."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def take(self, kind: str) -> str:
        """The text of the token, which must be of this kind, and step on."""
        if self.kind != kind:
            raise self.refuse("a name is needed here" if kind == "name" else f"'{kind}' is needed here")
        text = self.text
        self.advance()
        return text

    def refuse(self, message: str, rule: str = "syntax", place: int | None = None) -> CircuitError:
        """The error to raise for the token at ``place``, or for the one it stands on."""
        offset = self.offset if place is None else place
        line = self._source.count("\n", 0, offset) + 1
        column = offset - self._source.rfind("\n", 0, offset)
        return CircuitError(f"line {line}, column {column}: {message}", rule)
