"""Which version a source says it is, and its check."""

from __future__ import annotations

from qcos.qasm.checker import Checker
from qcos.qasm.checker3 import Checker3
from qcos.qasm.limits import Limits
from qcos.qasm.scope import Scope
from qcos.qasm.scope3 import Scope3
from qcos.qasm.summary import CircuitSummary
from qcos.qasm.tokens import Tokens
from qcos.qasm.tokens3 import Tokens3, is_openqasm3

_DEFAULT_LIMITS = Limits()


def check(source: str, *, max_qubits: int, limits: Limits = _DEFAULT_LIMITS) -> CircuitSummary:
    """Check a whole circuit and count what is in it.

    Time and memory are linear in the length of ``source``. ``max_qubits`` is the number of qubits of the backend.

    Raises:
        InvalidCircuit: at the first thing that is wrong, with its line, column and rule.
    """
    if is_openqasm3(source):
        return Checker3(Scope3(Tokens3(source, limits), limits), max_qubits, limits).run()
    return Checker(Scope(Tokens(source, limits), limits), max_qubits, limits).run()
