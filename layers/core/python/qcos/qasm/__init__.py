"""The service's own OpenQASM checker: linear, without recursion, without any quantum package."""

from qcos.qasm.limits import Limits
from qcos.qasm.summary import CircuitSummary
from qcos.qasm.versions import check

__all__ = ["CircuitSummary", "Limits", "check"]
