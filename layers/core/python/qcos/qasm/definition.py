"""Gate definitions: read once, with what one use of the gate expands to."""

from __future__ import annotations

from dataclasses import dataclass, field

from qcos.qasm.gates import ADDED, QELIB1, Call, Gate
from qcos.qasm.scope import Scope


@dataclass(slots=True)
class _Definition:
    name: str
    parameters: dict[str, int] = field(default_factory=dict)
    qubits: dict[str, int] = field(default_factory=dict)
    operations: int = 0
    expansion: int = 1
    depth: int = 1
    calls: list[Call] = field(default_factory=list)
    phases: int = 0
    loose: bool = False


def read_definition(scope: Scope) -> None:
    """Read a ``gate`` statement and declare the gate.

    Raises:
        InvalidCircuit: rules ``redefined``, ``undefined``, ``arguments``, ``gate_definitions``, ``gate_depth``, and
            those of a gate call.
    """
    tokens, limits = scope.tokens, scope.limits
    if scope.definitions == limits.gate_definitions:
        message = f"A circuit may define {limits.gate_definitions} gates at most; use fewer definitions."
        raise tokens.refuse("gate_definitions", message)
    scope.definitions += 1
    tokens.advance()
    place = tokens.offset
    definition = _Definition(tokens.take("identifier", "the name of the gate"))
    _refuse_name(scope, definition.name, place)
    if tokens.accept("("):
        if tokens.kind != ")":
            _read_names(scope, definition, definition.parameters, "a parameter name")
        tokens.take(")", "',' or ')' after the parameters")
    _read_names(scope, definition, definition.qubits, "a qubit name")
    brace = tokens.offset
    tokens.take("{", "'{' and the body of the gate")
    while not tokens.accept("}"):
        if tokens.kind in scope.calls:
            _read_call(scope, definition)
        elif tokens.kind == "barrier":
            _read_barrier(scope, definition)
        elif tokens.kind == "end":
            raise tokens.refuse("syntax", "The body of the gate is not closed; close it with '}'.", brace)
        else:
            raise tokens.unexpected("a gate, a barrier or '}'")
    if definition.depth > limits.gate_depth:
        message = f"Gate definitions may be {limits.gate_depth} deep inside one another"
        raise tokens.refuse("gate_depth", f"{message}; define '{definition.name}' by simpler gates.", place)
    scope.gates[definition.name] = Gate(
        definition.name,
        len(definition.parameters),
        len(definition.qubits),
        definition.operations,
        definition.expansion,
        definition.depth,
        tuple(definition.calls),
        definition.phases,
        definition.loose,
    )
    if definition.name in QELIB1:
        scope.redefined.append(definition.name)


def _refuse_name(scope: Scope, name: str, place: int) -> None:
    if name in ADDED and scope.gates.get(name) is ADDED[name]:
        if name in scope.used:
            message = f"'{name}' was used above as the gate of qelib1.inc; define it before its first use"
            raise scope.tokens.refuse("redefined", f"{message} or choose another name.", place)
        # The source's own definition replaces it, and the name means nothing inside that definition.
        del scope.gates[name]
    scope.refuse_taken(name, place)


def _read_names(scope: Scope, definition: _Definition, names: dict[str, int], wanted: str) -> None:
    tokens = scope.tokens
    while True:
        place = tokens.offset
        name = tokens.take("identifier", wanted)
        if name in definition.parameters or name in definition.qubits:
            message = f"'{name}' stands twice in the head of the gate; choose another name."
            raise tokens.refuse("redefined", message, place)
        if len(names) == scope.limits.arguments:
            message = f"A gate may have {scope.limits.arguments} parameters and as many qubits at most."
            raise tokens.refuse("arguments", message, place)
        names[name] = len(names)
        if not tokens.accept(","):
            return


def _read_call(scope: Scope, definition: _Definition) -> None:
    tokens = scope.tokens
    place = tokens.offset
    gate, modifiers = scope.read_gate(definition.name)
    programs = scope.read_parameters(gate, place, definition.parameters)
    wanted = gate.qubits + modifiers.controls
    qubits = _read_qubits(scope, definition) if wanted or tokens.kind != ";" else []
    tokens.take(";", "',' or ';' after the qubit")
    scope.refuse_arity(gate, place, len(qubits), "qubit", wanted)
    if len(set(qubits)) < len(qubits):
        raise scope.duplicate(gate, place)
    if all(len(program) == 1 and isinstance(program[0], float) for program in programs):
        scope.check_values(gate, programs, place)
    else:
        definition.calls.append(Call(gate, programs))
    definition.operations += modifiers.operations(gate)
    definition.expansion += modifiers.expansion(gate)
    definition.phases += modifiers.phases(gate)
    definition.loose = definition.loose or gate.loose
    definition.depth = max(definition.depth, gate.depth + 1)


def _read_barrier(scope: Scope, definition: _Definition) -> None:
    scope.tokens.advance()
    _read_qubits(scope, definition)
    scope.tokens.take(";", "',' or ';' after the qubit")
    definition.expansion += 1


def _read_qubits(scope: Scope, definition: _Definition) -> list[int]:
    tokens = scope.tokens
    qubits = []
    while True:
        place = tokens.offset
        name = tokens.take("identifier", "a qubit of the gate")
        index = definition.qubits.get(name)
        if index is None:
            known = ", ".join(definition.qubits)
            raise tokens.refuse("undefined", f"'{name}' is no qubit of this gate; its qubits are {known}.", place)
        qubits.append(index)
        if not tokens.accept(","):
            return qubits
