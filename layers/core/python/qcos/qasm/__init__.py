"""The service's own OpenQASM 2 checker: linear, without recursion, without any quantum package."""

from qcos.qasm.checker import check
from qcos.qasm.limits import Limits
from qcos.qasm.summary import CircuitSummary

__all__ = ["CircuitSummary", "Limits", "check"]
