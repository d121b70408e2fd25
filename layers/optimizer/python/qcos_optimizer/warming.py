"""First calls are slow: run a tiny circuit through everything before a job arrives."""

from __future__ import annotations

from .portfolio import optimize

_TINY = 'OPENQASM 2.0;include "qelib1.inc";qreg q[3];h q[0];cx q[0],q[1];ccx q[0],q[1],q[2];swap q[1],q[2];'


def warm() -> None:
    """Load what Qiskit loads late."""
    for target in ("ionq_aria", "ionq_forte"):
        optimize(_TINY, target, level=2)
