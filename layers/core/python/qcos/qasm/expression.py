"""Parameter expressions: parsed with an explicit stack, folded where constant, evaluated in floats.

Precedence and associativity are those of Qiskit's importer: ``^`` binds tightest and to the right, then the signs,
then ``*`` and ``/``, then ``+`` and ``-``; so ``-2^2`` is -4 and ``2^-3*4`` is 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from qcos.qasm.limits import Limits
from qcos.qasm.tokens import Tokens

NOTHING: Mapping[str, float] = {}

#: Postfix: a float is a constant, an int the index of a gate parameter, a str an operator or a function.
#: A constant expression is folded, so its program is one float.
Program = tuple[float | int | str, ...]

# How strongly an operator holds what is on its left and on its right; a bracket holds nothing.
_BINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "^": (8, 7), "**": (8, 7)}
_SIGN_BINDING = 5
_SIGNS = {"-": "negate", "+": "keep"}

_UNARY: dict[str, Callable[[float], float]] = {
    "negate": lambda value: -value,
    "keep": lambda value: value,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "ln": math.log,
    "sqrt": math.sqrt,
    "log": math.log,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
}
_FUNCTIONS = _UNARY.keys() - {"negate", "keep"}
_CONSTANTS = {"pi": math.pi, "tau": math.tau, "euler": math.e}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "^": math.pow,
    "**": math.pow,
}
_OUT_OF_DOMAIN = {
    "ln": "takes the logarithm of a number that is not above zero",
    "sqrt": "takes the square root of a negative number",
    "^": "raises to a power that has no real value",
    "**": "raises to a power that has no real value",
    "log": "takes the logarithm of a number that is not above zero",
    "arcsin": "takes the arcsine of a number beyond 1",
    "arccos": "takes the arccosine of a number beyond 1",
}
MAX_WHOLE = 2.0**53
"""Whole numbers beyond have no exact float."""


class Whole(float):
    """The value of an expression whose type is a whole number, where the language has types."""


class NoValue(ArithmeticError):
    """An expression has no finite real value; the text completes "the parameter ..."."""


def parse_expression(
    tokens: Tokens, parameters: Mapping[str, int], limits: Limits, constants: Mapping[str, float] = NOTHING
) -> Program:
    """Read one expression up to the token that cannot belong to it.

    ``parameters`` maps names to indices, ``constants`` names to values.

    Raises:
        InvalidCircuit: rules ``syntax``, ``undefined``, ``parameter``, ``nesting``, ``expression_length``.
    """
    output: list[float | int | str] = []
    stack: list[tuple[str, int, int]] = []  # operator, right binding, offset; "(" and functions wait for ")"
    depth = length = 0
    needs_operand = True
    while True:
        kind, offset = tokens.kind, tokens.offset
        if needs_operand:
            if kind in _CONSTANTS or kind in ("integer", "real", "identifier"):
                output.append(_operand(tokens, parameters, constants))
                needs_operand = False
            elif kind in _SIGNS:
                stack.append((_SIGNS[kind], _SIGN_BINDING, offset))
            elif kind == "(" or kind in _FUNCTIONS:
                if kind != "(":
                    tokens.advance()
                    if tokens.kind != "(":
                        raise tokens.unexpected(f"'(' after {kind}")
                depth += 1
                if depth > limits.nesting:
                    raise tokens.refuse("nesting", f"Brackets may be nested {limits.nesting} deep at most.")
                stack.append((kind, 0, offset))
            else:
                raise tokens.unexpected("a number, pi, a gate parameter, a function or '('")
        elif kind in _BINDING:
            left, right = _BINDING[kind]
            while stack and stack[-1][1] > left:
                _apply(tokens, output, *stack.pop())
            stack.append((kind, right, offset))
            needs_operand = True
        elif kind == ")" and depth:
            while stack[-1][1]:
                _apply(tokens, output, *stack.pop())
            _apply(tokens, output, *stack.pop())
            depth -= 1
        elif depth:
            raise tokens.unexpected("an operator or ')'")
        else:
            while stack:
                _apply(tokens, output, *stack.pop())
            return tuple(output)
        length += 1
        if length > limits.expression_tokens:
            message = f"A parameter may have {limits.expression_tokens} numbers, names, signs and brackets at most."
            raise tokens.refuse("expression_length", message)
        tokens.advance()


def evaluate(program: Program, values: Sequence[float]) -> float:
    """The value of a program, ``values`` standing for the gate's parameters.

    Raises:
        NoValue: some step of it has no finite real value.
    """
    stack: list[float] = []
    for item in program:
        if isinstance(item, str):
            if item in _BINARY:
                right = stack.pop()
                stack[-1] = _binary(item, stack[-1], right)
            else:
                stack[-1] = _unary(item, stack[-1])
        elif isinstance(item, float):
            stack.append(item)
        else:
            stack.append(values[item])
    return stack[0]


def _operand(tokens: Tokens, parameters: Mapping[str, int], constants: Mapping[str, float]) -> float | int:
    if tokens.kind in _CONSTANTS:
        return _CONSTANTS[tokens.kind]
    if tokens.kind != "identifier":
        value = float(tokens.text)
        if math.isinf(value):
            raise tokens.refuse("parameter", "The number is too large; a parameter must be finite.")
        return Whole(value) if tokens.typed and tokens.kind == "integer" else value
    index = parameters.get(tokens.text)
    if index is not None:
        return index
    if tokens.text in constants:
        return constants[tokens.text]
    known = f"here that is {', '.join(parameters)}" if parameters else "here there is none"
    names = "constants" if tokens.typed else "pi"
    message = f"'{tokens.text}' is no number; only {names} and the parameters of the gate being defined have a value"
    raise tokens.refuse("undefined", f"{message} ({known}).")


def _apply(tokens: Tokens, output: list[float | int | str], operator: str, _: int, offset: int) -> None:
    """Append the operator to the postfix output, or fold it when its operands are constants."""
    if operator in ("(", "keep"):
        return
    right = output[-1]
    try:
        if operator in _UNARY:
            if isinstance(right, float):
                output[-1] = _unary(operator, right)
                return
        elif isinstance(right, float):
            # A float at the end is the whole right operand, and a float before it the whole left one.
            left = output[-2]
            if isinstance(left, float):
                output[-2:] = [_binary(operator, left, right)]
                return
            if operator == "/" and right == 0:
                raise NoValue("divides by zero")
    except NoValue as error:
        raise tokens.refuse("parameter", f"The parameter {error}; it must be a finite number.", offset) from None
    output.append(operator)


def _unary(operator: str, value: float) -> float:
    if operator == "negate" and isinstance(value, Whole):
        return Whole(-value)
    try:
        return _UNARY[operator](value)
    except OverflowError:
        raise NoValue("is too large") from None
    except ValueError:
        raise NoValue(_OUT_OF_DOMAIN[operator]) from None


def _binary(operator: str, left: float, right: float) -> float:
    whole = isinstance(left, Whole) and isinstance(right, Whole)
    if whole and operator == "/" and right and left % right:
        raise NoValue("divides two whole numbers and leaves a rest, which tools read differently (write 1.0/2)")
    try:
        result = _BINARY[operator](left, right)
    except ZeroDivisionError:
        raise NoValue("divides by zero") from None
    except OverflowError:
        raise NoValue("is too large") from None
    except ValueError:
        raise NoValue(_OUT_OF_DOMAIN[operator]) from None
    if not math.isfinite(result):
        raise NoValue("is too large")
    if whole and (operator != "**" or right >= 0):
        if abs(result) > MAX_WHOLE:
            raise NoValue("is a whole number that is too large")
        return Whole(result)
    return result
