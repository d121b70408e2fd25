"""Quantum circuits in, better trapped-ion circuits out, each shown equal to its input.

``optimize`` works in this process and needs Qiskit; ``optimize_in_child`` is for text from strangers. Importing this
package is cheap: Qiskit is imported with the first use of ``optimize`` or ``Optimized``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import CircuitError, TooComplex, UnknownTarget
from .sandbox import optimize_in_child
from .targets import TARGETS, Target, target

if TYPE_CHECKING:
    from .document import Optimized
    from .portfolio import optimize
    from .segments import Stretches, optimize_stretches

__version__ = "0.1.0"

__all__ = [
    "TARGETS",
    "CircuitError",
    "Optimized",
    "Stretches",
    "Target",
    "TooComplex",
    "UnknownTarget",
    "optimize",
    "optimize_in_child",
    "optimize_stretches",
    "target",
]


def __getattr__(name: str) -> Any:
    if name == "optimize":
        from .portfolio import optimize

        return optimize
    if name == "Optimized":
        from .document import Optimized

        return Optimized
    if name in ("Stretches", "optimize_stretches"):
        from . import segments

        return getattr(segments, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
