"""What a caller of the optimizer may choose, checked without importing any of the heavy libraries."""

from __future__ import annotations

from typing import Literal, get_args

Objective = Literal["two_qubit_gates", "depth", "model_score"]
Mode = Literal["unitary", "distribution"]
LEVELS = range(4)


def check_choices(level: int, objective: str, seed: int, budget: int | None, mode: str) -> None:
    """Raise ValueError for the first that is not to be had; the message says what is."""
    if not _whole(level) or level not in LEVELS:
        raise ValueError("level must be 0, 1, 2 or 3")
    if objective not in get_args(Objective):
        raise ValueError(f"objective must be one of {', '.join(get_args(Objective))}")
    if not _whole(seed) or not 0 <= seed < 2**32:
        raise ValueError("seed must be a whole number, at least 0 and less than 2**32")
    if budget is not None and (not _whole(budget) or budget < 1):
        raise ValueError("budget must be None or a whole number of candidates, at least 1")
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}")


def _whole(value: object) -> bool:
    """Whether it is an integer: True, 1.0 and "1" are slips that would go unnoticed."""
    return isinstance(value, int) and not isinstance(value, bool)
