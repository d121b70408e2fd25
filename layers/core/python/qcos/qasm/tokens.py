"""Splits OpenQASM source into tokens, one at a time, in time linear in its length."""

from __future__ import annotations

import re

from qcos.errors import InvalidCircuit
from qcos.qasm.limits import Limits

FUNCTIONS = frozenset({"sin", "cos", "tan", "exp", "ln", "sqrt"})
KEYWORDS = FUNCTIONS | {
    "OPENQASM", "include", "qreg", "creg", "gate", "opaque", "barrier", "measure", "reset", "if", "pi",
}  # fmt: skip

# Possessive quantifiers: the pattern never backtracks, whatever the input.
_TOKEN = re.compile(
    r"""(?:[ \t\r\n]++|//[^\n]*+)*+
    (?: (?P<word>[A-Za-z][A-Za-z0-9_]*+)
      | (?P<symbol>->|==|[-+*/^;,()\[\]{}])
      | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)
      | (?P<string>"[^"\r\n]*+")
      | (?P<end>\Z)
      | (?P<stray>.) )""",
    re.VERBOSE | re.DOTALL,
)
_WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SHOWN_LENGTH = 64


class Tokens:
    """The stream of tokens, standing on one of them.

    ``kind`` is the text itself for keywords and symbols, else ``"identifier"``, ``"integer"``, ``"real"``,
    ``"string"`` (with its quotes) or ``"end"``; ``offset`` counts characters from the start of the source.
    Every method raises :class:`InvalidCircuit` at the first character that cannot be a token.
    """

    __slots__ = ("_limits", "_next", "kind", "offset", "source", "text")

    version = "OpenQASM 2"
    keywords = KEYWORDS
    pattern = _TOKEN
    typed = False
    """Whether a whole number is another type than a real one."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.source = source
        self._limits = limits
        self._check_encoding()
        self._next = self.pattern.finditer(source).__next__
        self.advance()

    def refuse(self, rule: str, message: str, offset: int | None = None) -> InvalidCircuit:
        """The error to raise for the token at ``offset`` (default: the current one)."""
        place = self.offset if offset is None else offset
        line_start = self.source.rfind("\n", 0, place) + 1
        line = self.source.count("\n", 0, place) + 1
        return InvalidCircuit(message, line=line, column=place - line_start + 1, rule=rule)

    def advance(self) -> None:
        """Step to the next token."""
        match = self._next()
        group = match.lastgroup
        assert group is not None  # every alternative of the pattern is a named group
        text = match[group]
        self.text = text
        self.offset = match.start(group)
        if group == "symbol":
            self.kind = text
        elif group == "word":
            self.kind = text if text in self.keywords else "identifier"
            if self.kind == "identifier" and (len(text) > self._limits.identifier_length or text[0] < "a"):
                self.check_identifier(text)
        elif group == "number":
            self.kind = "integer" if text.isdecimal() else "real"
            if len(text) > 1 or self.source[match.end() : match.end() + 1] in _WORD_CHARACTERS:
                self._check_number(text, match.end())
        elif group == "stray":
            raise self._stray(text)
        else:
            self.kind = group

    def accept(self, kind: str) -> bool:
        """Step over the current token if it is of this kind, and say whether it was."""
        if self.kind == kind:
            self.advance()
            return True
        return False

    def take(self, kind: str, wanted: str) -> str:
        """The text of the current token, which must be of this kind, and step on; ``wanted`` describes it to users."""
        if self.kind != kind:
            raise self.unexpected(wanted)
        text = self.text
        self.advance()
        return text

    def unexpected(self, wanted: str) -> InvalidCircuit:
        """The error that something else than the current token was needed here."""
        if self.kind == "end":
            return self.refuse("syntax", f"The circuit ends where {wanted} is needed.")
        # A string is not shown: it may be a path of the writer's machine.
        found = "a quoted text" if self.kind == "string" else f"'{self.text[:_SHOWN_LENGTH]}'"
        return self.refuse("syntax", f"Expected {wanted}, found {found}.")

    def _check_encoding(self) -> None:
        source, limit = self.source, self._limits.source_bytes
        size = len(source)
        if size <= limit and not source.isascii():
            try:
                size = len(source.encode())
            except UnicodeEncodeError as error:
                message = "Half of a surrogate pair is not a character; send the circuit as UTF-8 text."
                raise self.refuse("characters", message, error.start) from None
        if size > limit:
            message = f"The circuit is longer than the limit of {limit} bytes; send a smaller circuit."
            raise self.refuse("source_size", message, 0)
        if (nul := source.find("\0")) >= 0:
            raise self.refuse("characters", "A NUL character is not allowed anywhere in a circuit; remove it.", nul)

    def check_identifier(self, text: str) -> None:
        """Refuse a name that is too long or begins in a way that names do not."""
        if len(text) > self._limits.identifier_length:
            limit = self._limits.identifier_length
            raise self.refuse("identifier_length", f"A name may have {limit} characters, this one has {len(text)}.")
        if text not in ("U", "CX"):
            message = f"Names begin with a lower-case letter, except the gates U and CX; '{text}' does not"
            raise self.refuse("identifier", f"{message}. Write '{text.lower()}' if that is what you mean.")

    def _check_number(self, text: str, end: int) -> None:
        if self.source[end : end + 1] in _WORD_CHARACTERS:
            raise self.refuse("number", "A number runs into a letter; write it as 0.5, 3 or 1.0e-3 and separate words.")
        if self.kind == "real":
            if len(text) > self._limits.real_length:
                limit = self._limits.real_length
                raise self.refuse("number_length", f"A number may have {limit} characters, this one has {len(text)}.")
        elif len(text) > self._limits.integer_digits:
            limit = self._limits.integer_digits
            raise self.refuse("number_length", f"An integer may have {limit} digits, this one has {len(text)}.")
        elif text[0] == "0" and len(text) > 1:
            raise self.refuse("number", "An integer may not begin with 0; remove the leading zeros.")

    def _stray(self, character: str) -> InvalidCircuit:
        if character == '"':
            return self.refuse("syntax", 'A quoted text is not closed; close it with " on the same line.')
        if character == "'":
            return self.refuse("syntax", 'Use double quotes (") around a file name, not single ones.')
        if character == "=":
            message = f"'=' has no meaning in {self.version}; an angle or a value is written in place."
            return self.refuse("syntax", message)
        if character == "\ufeff":
            return self.refuse("characters", "The text begins with a byte order mark; save it as UTF-8 without one.")
        if " " < character <= "~":
            return self.refuse(
                "characters", f"'{character}' has no meaning in {self.version} as it is read here; remove it."
            )
        message = f"Character U+{ord(character):04X} is allowed in comments only; use printable ASCII, tab and newline."
        return self.refuse("characters", message)
