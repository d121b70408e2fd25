"""Sources written to hurt: each is refused for its own reason, in few steps, and nothing but a refusal comes out."""

from __future__ import annotations

import random
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos.errors import InvalidCircuit
from qcos.qasm import Limits, check
from tests.unit.qasm.programs import ProgramWriter, broken

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\n'
SIZE = Limits().source_bytes


def filled(start: str, unit: str, end: str = "") -> str:
    """``unit`` repeated until the source is as long as it may be."""
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


def bomb(levels: int, first: str, factor: int = 2) -> str:
    lines = [f"gate g0 a {{ {first} }}"]
    lines += [f"gate g{level} a {{ {f'g{level - 1} a;' * factor} }}" for level in range(1, levels + 1)]
    return HEAD + "\n".join(lines) + f"\ng{levels} q[0];"


HOSTILE = {
    "include_passwd": ("include", 'OPENQASM 2.0; include "/etc/passwd";'),
    "include_parent": ("include", 'OPENQASM 2.0; include "../../../../etc/passwd";'),
    "include_environment": ("include", 'OPENQASM 2.0; include "/proc/self/environ";'),
    "include_device": ("include", 'OPENQASM 2.0; include "/dev/zero";'),
    "include_directory": ("include", 'OPENQASM 2.0; include ".";'),
    "include_url": ("include", 'OPENQASM 2.0; include "http://127.0.0.1/qelib1.inc";'),
    "include_many": ("include", filled("OPENQASM 2.0;", 'include "qelib1.inc";')),
    **{f"bomb_{levels}": ("operations", bomb(levels, "x a;")) for levels in (20, 30, 60)},
    "bomb_billion": ("operations", bomb(9, "x a;", 10)),
    "bomb_of_nothing": ("expansion", bomb(60, "")),
    "bomb_of_barriers": ("expansion", bomb(60, "barrier a;")),
    "bomb_deep": ("gate_depth", bomb(200, "x a;", 1)),
    "bomb_of_parameters": (
        "expression_work",
        HEAD
        + f"gate g0(a) b {{ {('rx(a' + '+a' * 400 + ') b;') * 99} }}\n"
        + "gate g1(a) b { "
        + "".join(f"g0(a+{number}) b;" for number in range(99))
        + " }\ng1(1) q[0];",
    ),
    "recursive_gate": ("unknown_gate", HEAD + "gate g a { g a; } g q;"),
    "mutual_gates": ("unknown_gate", HEAD + "gate f a { g a; } gate g a { f a; } g q;"),
    "brackets": ("nesting", filled(HEAD + "rx(", "(")),
    "functions": ("nesting", filled(HEAD + "rx(", "sin(")),
    "signs": ("expression_length", filled(HEAD + "rx(", "-")),
    "sum": ("expression_length", filled(HEAD + "rx(1", "+1", ") q;")),
    "powers": ("expression_length", filled(HEAD + "rx(1", "^1", ") q;")),
    "qubits_million": ("qubits", "OPENQASM 2.0; qreg q[1000000];"),
    "qubits_billion": ("number_length", "OPENQASM 2.0; qreg q[1000000000];"),
    "qubits_2_32": ("number_length", "OPENQASM 2.0; qreg q[4294967296];"),
    "qubits_1e40": ("number_length", "OPENQASM 2.0; qreg q[1" + "0" * 40 + "];"),
    "qubits_one_by_one": ("qubits", "OPENQASM 2.0;" + "".join(f"qreg q{number}[1];" for number in range(9000))),
    "clbits_billion": ("clbits", "OPENQASM 2.0; creg c[999999999];"),
    "index_1e40": ("number_length", HEAD + "x q[1" + "0" * 40 + "];"),
    "broadcasts": ("operations", filled(HEAD, "x q;")),
    "definitions": ("gate_definitions", HEAD + "".join(f"gate g{number} a{{}}" for number in range(9000))),
    "million_gates": ("source_size", HEAD + "x q[0];\n" * 1_000_000),
    "long_name": ("identifier_length", filled(HEAD + "qreg ", "a")),
    "long_integer": ("number_length", filled(HEAD + "rx(", "1")),
    "long_real": ("number_length", filled(HEAD + "rx(0.", "1")),
    "long_string": ("syntax", filled(HEAD + 'include "', "a")),
    "long_comment": ("source_size", HEAD + "//" + "x" * 10_000_000),
    "only_comments": ("version", filled("", "//\n")),
    "arguments": ("arity", filled(HEAD + "x q[0]", ",q[0]", ";")),
    "parameters": ("arity", filled(HEAD + "rx(1", ",1", ") q;")),
    "infinity": ("parameter", HEAD + "rx(1.0e309) q;"),
    "infinity_power": ("parameter", HEAD + "rx(9^9^9^9) q;"),
    "infinity_exp": ("parameter", HEAD + "rx(exp(1.0e9)) q;"),
    "infinity_integer": ("number_length", HEAD + "rx(1" + "0" * 400 + ") q;"),
    "not_a_number": ("parameter", HEAD + "rx((-1)^0.5) q;"),
    "huge_angle": ("parameter", HEAD + "rx(1.0e300) q;"),
    "hidden_division": ("parameter", HEAD + "gate g(a) b { rx(1/a) b; } g(0) q;"),
    "opaque": ("opaque", HEAD + "opaque g a; g q;"),
    "condition": ("mid_circuit", HEAD + "if(c==1) x q[0];"),
    "reset": ("mid_circuit", HEAD + "reset q;"),
    "nul": ("characters", HEAD + "x q;\0"),
    "nul_in_comment": ("characters", HEAD + "x q; // \0"),
    "surrogate": ("characters", HEAD + "x q; // \udc80"),
    "greek": ("characters", HEAD + "qreg θ[1];"),
    "byte_order_mark": ("characters", "\ufeff" + HEAD),
    "terminal_escape": ("characters", HEAD + "\x1b[2J"),
    "empty": ("version", ""),
    "version_4": ("version", 'OPENQASM 4.0; include "stdgates.inc"; qubit[1000000000] q;'),
    "missing_parameter": ("arity", HEAD + "rx q;"),
}


@pytest.mark.parametrize(("rule", "source"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_source(rule: str, source: str) -> None:
    with pytest.raises(InvalidCircuit) as caught:
        check(source, max_qubits=36)
    assert caught.value.rule == rule
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("name", ["broadcasts", "arguments", "bomb_billion"])
def test_memory_is_bounded(name: str) -> None:
    tracemalloc.start()
    try:
        verdict(HOSTILE[name][1])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * SIZE


def test_an_include_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qelib1.inc").write_text("gate canary a {}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidCircuit) as caught:
        check(HEAD + "canary q;", max_qubits=8)
    assert caught.value.rule == "unknown_gate"


GROWING = {
    "gates": ("", "x q[0];", ""),
    "two_qubits": ("", "cx q[0],q[1];\n", ""),
    "expressions": ("", "rx(1+1-2^sin(pi))q[0];", ""),
    "barriers": ("", "barrier q;", ""),
    "barrier_operands": ("barrier q", ",q[0]", ";"),
    "qubit_operands": ("x q[0]", ",q[0]", ";"),
    "parameters": ("rx(1", ",1", ") q;"),
    "bits": ("creg d[1000];", "// a comment\n", "x q;"),
    "body": ("gate g(a) b {", "rx(a*2) b; barrier b;", "} g(1) q;"),
    "calls": ("gate g(a) b { rx(a*2) b; }", "g(1) q;", ""),
    "blanks": ("", " \n\t", "x q;"),
}


@pytest.mark.parametrize(("start", "unit", "end"), GROWING.values(), ids=GROWING.keys())
def test_work_grows_with_the_length_only(start: str, unit: str, end: str) -> None:
    """Counted in calls of functions, Python's and C's, so that the test does not depend on the machine."""

    def calls(repeats: int) -> int:
        counted = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        source = HEAD + start + unit * repeats + end
        sys.setprofile(count)
        try:
            verdict(source)
        finally:
            sys.setprofile(None)
        return counted

    small, large = calls(300), calls(600)
    assert large <= 2 * small


@pytest.mark.parametrize("size", [SIZE, SIZE // 2])
def test_a_refusal_at_the_end_finds_its_place(size: int) -> None:
    source = HEAD + "\n" * (size - len(HEAD) - 1) + "@"
    refusal = verdict(source)
    assert refusal is not None
    assert (refusal.line, refusal.column) == (source.count("\n") + 1, 1)


FUZZ = settings(max_examples=500, deadline=None, database=None)
WORDS = """
OPENQASM 2.0 ; include "qelib1.inc" qreg creg q c [ ] ( ) { } , -> == + - * / ^ 1 0.5 1e999 pi sin gate g x U CX barrier
measure if reset opaque //
"""


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    for source in (text, HEAD + text, HEAD + "gate g(a) b {" + text, HEAD + "rx(" + text):
        assert_verdict(source)


@FUZZ
@given(st.lists(st.sampled_from([*WORDS.split(), "\n"]), max_size=60))
def test_any_words_are_accepted_or_refused(words: list[str]) -> None:
    assert_verdict(HEAD + " ".join(words))
    assert_verdict(" ".join(words))


@FUZZ
@given(st.integers(0, 2**64))
def test_broken_programs_are_accepted_or_refused(seed: int) -> None:
    numbers = random.Random(seed)
    assert_verdict(broken(ProgramWriter(numbers).program(), numbers))


def assert_verdict(source: str) -> None:
    """Either a summary, or a refusal with a place inside the source; any other exception fails the test."""
    refusal = verdict(source)
    if refusal is None:
        return
    assert refusal.rule
    assert refusal.line is not None
    assert refusal.column is not None
    lines = source.split("\n")
    assert 1 <= refusal.line <= len(lines)
    assert 1 <= refusal.column <= len(lines[refusal.line - 1]) + 1


def verdict(source: str) -> InvalidCircuit | None:
    try:
        check(source, max_qubits=12)
    except InvalidCircuit as refusal:
        return refusal
    return None
