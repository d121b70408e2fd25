"""Expressions have the values that Qiskit's importer gives them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos.errors import InvalidCircuit
from qcos.qasm import Limits
from qcos.qasm.expression import NoValue, evaluate, parse_expression
from qcos.qasm.tokens import Tokens
from qcos_optimizer.parsing import parse

NAMES = {"a": 0, "b": 1}


def value(text: str, values: tuple[float, ...] = ()) -> float:
    tokens = Tokens(text, Limits())
    program = parse_expression(tokens, NAMES if values else {}, Limits())
    assert tokens.kind == "end"
    if not values:
        assert len(program) == 1
    return evaluate(program, values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2^2", -4),
        ("2^-3*4", 0.5),
        ("2^3^2", 512),
        ("8-4-2", 2),
        ("8/4/2", 1),
        ("8/4*2", 4),
        ("2+3*4^2", 50),
        ("-3*2", -6),
        ("--3", 3),
        ("+-+3", -3),
        ("2*-3+1", -5),
        ("2*(3+1)", 8),
        ("(((7)))", 7),
        ("-(1-2)", 1),
        ("sin(pi/2)^2-cos(0)", 0),
        ("ln(exp(2.5))", 2.5),
        ("sqrt(16)/tan(pi/4)", 4),
        (".5+5.+1.5e+1", 20.5),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, abs=1e-12)


def expression(numbers: random.Random, depth: int) -> str:
    choice = numbers.randint(0, 5) if depth else 0
    if choice == 0:
        return numbers.choice(("a", "b", "pi", "2", "0.5", "3", "1.5e-1"))
    if choice == 1:
        return f"{numbers.choice('+-')}{expression(numbers, depth - 1)}"
    if choice == 2:
        return f"({expression(numbers, depth - 1)})"
    if choice == 3:
        return f"{numbers.choice(('sin', 'cos', 'tan', 'exp', 'ln', 'sqrt'))}({expression(numbers, depth - 1)})"
    left, right = expression(numbers, depth - 1), expression(numbers, depth - 1)
    return f"{left}{numbers.choice('+-*/^')}{right}"


@settings(max_examples=500, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_values_are_those_of_the_importer(seed: int) -> None:
    text = expression(random.Random(seed), 5)
    values = (0.75, -1.25)
    head = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1];'
    try:
        ours = value(text, values)
    except (NoValue, InvalidCircuit):
        return
    (entry,) = parse(f"{head} gate g(a,b) c {{ rx({text}) c; }} g(0.75,-1.25) q[0];").decompose().data
    assert float(entry.operation.params[0]) == pytest.approx(ours, rel=1e-9, abs=1e-12)
    constant = text.replace("a", "0.75") if "tan" not in text else None
    if constant and "b" not in constant:
        (entry,) = parse(f"{head} rx({constant}) q[0];").data
        assert float(entry.operation.params[0]) == pytest.approx(value(constant), rel=1e-9, abs=1e-12)


def test_a_value_that_is_not_finite_is_none() -> None:
    for text in ("1/a", "ln(a)", "a^-1", "sqrt(a-1)", "exp(1000+a)", "(a+1.0e300)*1.0e300", "(a-1)^0.5"):
        with pytest.raises(NoValue):
            value(text, (0.0, 0.0))
