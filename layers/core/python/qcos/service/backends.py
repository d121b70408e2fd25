"""The machines as users see them: the catalogue's fixed facts with what the provider says of them now."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from qcos.backends import CATALOGUE, Backend, backend
from qcos.errors import BackendUnavailable
from qcos.models import timestamp
from qcos.ports import Clock
from qcos.provider import Characterization, Provider, ProviderBackend, ProviderUnavailable

Availability = Literal["online", "offline", "retired"]

QUEUE_DEPTH_BASIS = "average wait in minutes, rounded up"
"""What ``queue_depth`` counts: IonQ does not publish how many jobs wait, only how long they do on average."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class _Kept:
    """An answer of the provider and when it came."""

    at: datetime
    answer: Any


class Backends:
    """Live state of the catalogue's machines. What the provider says is kept for ``cache_s`` seconds.

    Safe to use from several threads; they wait for one question to the provider instead of asking it each.
    """

    def __init__(self, provider: Provider, clock: Clock, cache_s: float = 15) -> None:
        self._provider = provider
        self._clock = clock
        self._cache = timedelta(seconds=cache_s)
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def all(self) -> list[dict[str, Any]]:
        """Every machine of the catalogue, in its order.

        ``status`` is online, offline or retired (the provider no longer lists it). ``average_queue_time_ms`` is the
        provider's figure, null where it states none, and ``queue_depth`` the same in whole minutes, rounded up:
        what the number of waiting jobs would be if each took a minute. It is 0 where there is no figure.

        Raises:
            BackendUnavailable: the provider does not answer.
        """
        live = self._live()
        return [_line(machine, live.get(machine.provider_name)) for machine in CATALOGUE.values()]

    def get(self, backend_id: str) -> dict[str, Any]:
        """One machine: its line of :meth:`all`, and what it can do.

        ``average_fidelity`` is that of its two-qubit gate in the newest characterisation, which outweighs all other
        errors; null where the provider does not state it or could not be asked for it, 1.0 for an ideal simulator.

        Raises:
            BackendNotFound: there is none of that id.
            BackendUnavailable: the provider does not answer.
        """
        machine = backend(backend_id)
        state = self._live().get(machine.provider_name)
        try:
            fidelity = self._fidelities(machine, state)["two_qubit_fidelity"]
        except BackendUnavailable:
            fidelity = None
        return {
            **_line(machine, state),
            "native_gates": list(machine.native_gates),
            "connectivity": "all-to-all",
            "average_fidelity": fidelity,
        }

    def calibration(self, backend_id: str) -> dict[str, Any]:
        """The newest characterisation of one machine.

        Fidelities are 0 to 1 and null where the provider does not state them. ``source`` is ``provider`` for a
        measured characterisation and then ``timestamp`` is when it was made; ``ideal`` for a simulator without
        errors, which is exact at any time, so ``timestamp`` is now; null where there is no characterisation.

        Raises:
            BackendNotFound: there is none of that id.
            BackendUnavailable: the provider does not answer.
        """
        machine = backend(backend_id)
        return {"backend_id": machine.id, **self._fidelities(machine, self._live().get(machine.provider_name))}

    def require_available(self, backend_id: str) -> Backend:
        """The machine of that id, which takes work now.

        Raises:
            BackendNotFound: there is none of that id.
            BackendUnavailable: it is offline or retired, or the provider does not answer.
        """
        machine = backend(backend_id)
        live = self._live()
        availability = _availability(live.get(machine.provider_name))
        if availability == "online":
            return machine
        online = [other.id for other in CATALOGUE.values() if _availability(live.get(other.provider_name)) == "online"]
        if availability == "retired":
            message = f"{machine.name} is no longer offered by IonQ. Choose another backend."
        else:
            message = f"{machine.name} takes no work now. Choose another backend or try again later."
        details = [{"field": "backend", "backend": machine.id, "status": availability, "online": online}]
        raise BackendUnavailable(message, details, retryable=availability != "retired")

    def status(self) -> dict[str, Any]:
        """The service's state: ``queue_depth`` is the sum of what the machines report.

        It always answers. When the provider does not, ``provider`` is ``unreachable``, every machine is ``unknown``
        and ``queue_depth`` counts nothing.
        """
        try:
            lines = self.all()
        except BackendUnavailable:
            unknown = dict.fromkeys(CATALOGUE, "unknown")
            return {"api": "operational", "provider": "unreachable", "backends": unknown, "queue_depth": 0}
        return {
            "api": "operational",
            "provider": "operational",
            "backends": {line["id"]: line["status"] for line in lines},
            "queue_depth": sum(line["queue_depth"] for line in lines),
        }

    def _live(self) -> dict[str, ProviderBackend]:
        listed = self._ask("backends", self._provider.backends)
        return {state.name: state for state in listed}

    def _fidelities(self, machine: Backend, state: ProviderBackend | None) -> dict[str, Any]:
        if machine.type == "simulator":
            return _fidelities(timestamp(self._clock()), 1.0, 1.0, 1.0, "ideal")
        found: Characterization | None = None
        if state is not None:
            found = self._ask(machine.provider_name, lambda: self._provider.characterization(machine.provider_name))
        if found is None:
            return _fidelities(None, None, None, None, None)
        return _fidelities(
            _utc(found.date),
            found.single_qubit_fidelity,
            found.two_qubit_fidelity,
            found.readout_fidelity,
            "provider",
        )

    def _ask(self, key: str, question: Callable[[], _Answer]) -> _Answer:
        """The provider's answer to ``question``, no older than the cache allows."""
        with self._lock:
            now = self._clock()
            kept = self._kept.get(key)
            if kept is None or not timedelta(0) <= now - kept.at < self._cache:
                try:
                    kept = _Kept(now, question())
                except ProviderUnavailable:
                    raise BackendUnavailable(
                        "IonQ does not answer, so the state of its backends is not known. Try again in a minute."
                    ) from None
                self._kept[key] = kept
            answer: _Answer = kept.answer
            return answer


def _availability(state: ProviderBackend | None) -> Availability:
    if state is None or state.status == "retired":
        return "retired"
    return "online" if state.status == "available" else "offline"


def _line(machine: Backend, state: ProviderBackend | None) -> dict[str, Any]:
    queue_ms = state.queue_ms if state else None
    return {
        "id": machine.id,
        "name": machine.name,
        "type": machine.type,
        "qubits": machine.qubits,
        "status": _availability(state),
        "queue_depth": math.ceil((queue_ms or 0) / 60_000),
        "queue_depth_basis": QUEUE_DEPTH_BASIS,
        "average_queue_time_ms": queue_ms,
        "degraded": state.degraded if state else False,
        "last_updated": state.last_updated if state else None,
    }


def _fidelities(
    at: str | None, single: float | None, two: float | None, readout: float | None, source: str | None
) -> dict[str, Any]:
    return {
        "timestamp": at,
        "single_qubit_fidelity": single,
        "two_qubit_fidelity": two,
        "readout_fidelity": readout,
        "source": source,
    }


def _utc(date: str) -> str:
    """A provider's date as the service writes times; a date it cannot read as it is."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return date
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
