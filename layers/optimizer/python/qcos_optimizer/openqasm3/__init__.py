"""OpenQASM 3 text into a circuit: what OpenQASM 2 can say, in the newer language; linear and without recursion.

Read are ``stdgates.inc``, ``qubit`` and ``bit`` (``qreg``, ``creg``), ``const`` of int, uint and float, expressions of
numbers, gate definitions, the modifiers ctrl, negctrl, inv and pow of a whole number, ``gphase``, barriers and final
measurements. Whatever else the language has is refused, and so is what tools read differently: a division of two whole
numbers that leaves a rest (0 to the specification, 0.5 to many), and U, u2 or u3 under a control (their phase).
Language: OpenQASM 3.1 specification.
"""

from .reader import is_openqasm3, parse3

__all__ = ["is_openqasm3", "parse3"]
