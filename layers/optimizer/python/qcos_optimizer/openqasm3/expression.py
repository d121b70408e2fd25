"""Expressions of OpenQASM 3 as postfix programs, folded where they are constant.

``**`` binds tightest and to the right, then signs, then ``*`` and ``/``, then ``+`` and ``-``. A value is an int or a
float, as its type in the language.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import CircuitError
from .tokens import Tokens

MAX_WHOLE = 2**53
"""Whole numbers beyond have no exact float, and no use in a circuit."""

_CONSTANTS = {"pi": math.pi, "tau": math.tau, "euler": math.e}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}
_BINARY: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": math.pow,
}
_BINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "**": (8, 7)}
_SIGN = 5


@dataclass(frozen=True, slots=True)
class Parameter:
    """The value a call gives for the parameter of this number."""

    number: int


Program = tuple[int | float | Parameter | str, ...]
"""Postfix; a constant is one number."""


def expression(tokens: Tokens, parameters: Mapping[str, int], constants: Mapping[str, int | float]) -> Program:
    """Read one expression, up to the token that cannot belong to it."""
    output: list[int | float | Parameter | str] = []
    waiting: list[tuple[str, int, int]] = []  # operator, how it binds to the right, where it stands
    depth = 0
    operand = True
    while True:
        kind, place = tokens.kind, tokens.offset
        if operand:
            if kind in ("+", "-"):
                waiting.append(("negate" if kind == "-" else "keep", _SIGN, place))
            elif kind == "(" or kind in _FUNCTIONS:
                if kind != "(":
                    tokens.advance()
                    if tokens.kind != "(":
                        raise tokens.refuse("'(' is needed after a function")
                waiting.append((kind, 0, place))
                depth += 1
            else:
                output.append(_operand(tokens, parameters, constants))
                operand = False
        elif kind in _BINDING:
            left, right = _BINDING[kind]
            while waiting and waiting[-1][1] > left:
                _apply(tokens, output, *waiting.pop())
            waiting.append((kind, right, place))
            operand = True
        elif kind == ")" and depth:
            while waiting[-1][1]:
                _apply(tokens, output, *waiting.pop())
            _apply(tokens, output, *waiting.pop())
            depth -= 1
        elif depth:
            raise tokens.refuse("an operator or ')' is needed here")
        else:
            while waiting:
                _apply(tokens, output, *waiting.pop())
            return tuple(output)
        tokens.advance()


def evaluate(program: Program, values: Sequence[float]) -> int | float:
    """The value of ``program`` with these ``values`` for the parameters; raises :class:`CircuitError`."""
    stack: list[int | float] = []
    for item in program:
        if isinstance(item, Parameter):
            stack.append(values[item.number])
        elif not isinstance(item, str):
            stack.append(item)
        elif item in _BINDING:
            right = stack.pop()
            stack[-1] = _binary(item, stack[-1], right)
        else:
            stack[-1] = _unary(item, stack[-1])
    return stack[0]


def _operand(
    tokens: Tokens, parameters: Mapping[str, int], constants: Mapping[str, int | float]
) -> int | float | Parameter:
    if tokens.kind in _CONSTANTS:
        return _CONSTANTS[tokens.kind]
    if tokens.kind == "integer" and len(tokens.text) <= 16:
        return _checked(int(tokens.text))
    if tokens.kind == "real":
        return _checked(float(tokens.text))
    if tokens.kind == "name" and tokens.text in parameters:
        return Parameter(parameters[tokens.text])
    if tokens.kind == "name" and tokens.text in constants:
        return constants[tokens.text]
    raise tokens.refuse("a number, a constant or a parameter of the gate is needed here")


def _apply(tokens: Tokens, output: list[int | float | Parameter | str], sign: str, _: int, place: int) -> None:
    if sign in ("(", "keep"):
        return
    try:
        right = output[-1]
        if sign in _BINDING:
            left = output[-2]
            if isinstance(left, int | float) and isinstance(right, int | float):
                output[-2:] = [_binary(sign, left, right)]
                return
        elif isinstance(right, int | float):
            output[-1] = _unary(sign, right)
            return
    except CircuitError as problem:
        raise tokens.refuse(problem.message, problem.rule, place) from None
    output.append(sign)


def _unary(sign: str, value: int | float) -> int | float:
    if sign == "negate":
        return -value
    try:
        return _checked(_FUNCTIONS[sign](value))
    except (ValueError, OverflowError):
        raise _no_value() from None


def _binary(sign: str, left: int | float, right: int | float) -> int | float:
    whole = isinstance(left, int) and isinstance(right, int)
    if sign == "/" and whole and right and left % right:
        raise CircuitError(
            "two whole numbers are divided and leave a rest, which tools read differently; write 1.0/2 for a half",
            "angle",
        )
    try:
        value = _BINARY[sign](left, right)
    except (ZeroDivisionError, OverflowError, ValueError):
        raise _no_value() from None
    if whole and (sign != "**" or right >= 0):
        return _checked(int(value)) if abs(value) < 2 * MAX_WHOLE else _checked(math.inf)
    return _checked(value)


def _checked(value: int | float) -> int | float:
    if abs(value) > MAX_WHOLE if isinstance(value, int) else not math.isfinite(value):
        raise _no_value()
    return value


def _no_value() -> CircuitError:
    return CircuitError("the parameter has no finite value, or one too large", "angle")
