"""Tokens of OpenQASM 3: other words, block comments, names that begin as they like."""

from __future__ import annotations

import re

from qcos.qasm.tokens import Tokens

FUNCTIONS = frozenset({"sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "sqrt"})
#: Words of the language that begin what is read, and those that begin what is not.
READ = frozenset({
    "OPENQASM", "include", "qubit", "bit", "qreg", "creg", "const", "int", "uint", "float", "gate", "barrier",
    "measure", "ctrl", "negctrl", "inv", "pow", "gphase", "pi", "tau", "euler",
})  # fmt: skip
DYNAMIC = frozenset({"if", "else", "for", "while", "switch", "reset"})
UNREAD = frozenset({
    "angle", "array", "bool", "box", "break", "cal", "case", "complex", "continue", "def", "default", "defcal",
    "defcalgrammar", "delay", "duration", "durationof", "end", "extern", "false", "im", "in", "input", "let", "mutable",
    "nop", "opaque", "output", "pragma", "readonly", "return", "stretch", "true", "void",
})  # fmt: skip
_GREEK = {"π": "pi", "τ": "tau", "ℇ": "euler"}

# Possessive quantifiers: the pattern never backtracks, whatever the input.
_TOKEN = re.compile(
    r"""(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+
    (?: (?P<word>[A-Za-z_][A-Za-z0-9_]*+|[πτℇ])
      | (?P<symbol>->|\*\*|[-+*/=@;,()\[\]{}])
      | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)
      | (?P<string>"[^"\r\n]*+")
      | (?P<end>\Z)
      | (?P<stray>.) )""",
    re.VERBOSE | re.DOTALL,
)
_VERSION_3 = re.compile(r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+OPENQASM\s++3")


def is_openqasm3(source: str) -> bool:
    """Whether ``source`` says that it is OpenQASM 3."""
    return _VERSION_3.match(source) is not None


class Tokens3(Tokens):
    """The stream of tokens of an OpenQASM 3 source; Greek letters stand for the words pi, tau and euler."""

    __slots__ = ()

    version = "OpenQASM 3"
    keywords = FUNCTIONS | READ | DYNAMIC | UNREAD
    pattern = _TOKEN
    typed = True

    def advance(self) -> None:
        super().advance()
        if self.kind == "identifier" and self.text in _GREEK:
            self.kind = _GREEK[self.text]

    def check_identifier(self, text: str) -> None:
        if text.isascii() and len(text) > self._limits.identifier_length:
            limit = self._limits.identifier_length
            raise self.refuse("identifier_length", f"A name may have {limit} characters, this one has {len(text)}.")
