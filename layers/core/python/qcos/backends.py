"""The catalogue of backends: the service's ids, and what is fixed about each machine.

What changes (status, queue, characterisation) comes live from the provider and is never kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qcos.errors import BackendNotFound


@dataclass(frozen=True)
class Backend:
    """One machine as the API names it.

    ``provider_name`` is IonQ's name for it, ``target`` the optimizer's; ``paid`` says whether a shot costs
    money; ``deadline_s`` bounds how long a job may wait for its result there, in seconds.
    """

    id: str
    name: str
    type: Literal["simulator", "hardware"]
    qubits: int
    native_gates: tuple[str, ...]
    provider_name: str
    target: str
    paid: bool
    deadline_s: int


CATALOGUE: dict[str, Backend] = {
    backend.id: backend
    for backend in (
        Backend(
            "ionq_simulator",
            "IonQ Simulator",
            "simulator",
            29,
            ("GPI", "GPI2", "MS", "ZZ"),
            "simulator",
            "ionq_simulator",
            paid=False,
            deadline_s=900,
        ),
        Backend(
            "ionq_aria",
            "IonQ Aria",
            "hardware",
            25,
            ("GPI", "GPI2", "MS"),
            "qpu.aria-1",
            "ionq_aria",
            paid=True,
            deadline_s=7 * 86400,
        ),
        Backend(
            "ionq_forte",
            "IonQ Forte",
            "hardware",
            36,
            ("GPI", "GPI2", "ZZ"),
            "qpu.forte-1",
            "ionq_forte",
            paid=True,
            deadline_s=7 * 86400,
        ),
        Backend(
            "ionq_forte_enterprise",
            "IonQ Forte Enterprise",
            "hardware",
            36,
            ("GPI", "GPI2", "ZZ"),
            "qpu.forte-enterprise-1",
            "ionq_forte_enterprise",
            paid=True,
            deadline_s=7 * 86400,
        ),
    )
}


def backend(backend_id: str) -> Backend:
    """The catalogue's entry for ``backend_id``.

    Raises:
        BackendNotFound: there is none; the message lists those there are.
    """
    try:
        return CATALOGUE[backend_id]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise BackendNotFound(
            f"There is no backend of that id. Known backends: {known}.",
            [{"field": "backend", "known": list(CATALOGUE)}],
        ) from None
