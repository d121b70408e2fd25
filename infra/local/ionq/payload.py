"""POST /jobs: what is refused at once (400) and what becomes a submission.

Types and ranges are checked here; what only a compiler would notice (an unknown gate, a qubit out of range, an angle
out of range, too many qubits for the machine) fails the job later, as at IonQ. Fields this API does not know are
ignored: published clients send ``lang`` and the like.
"""

import math
from dataclasses import dataclass
from typing import Any

from infra.local.ionq.backends import NOISE_MODELS, Backend, BackendCatalogue
from infra.local.ionq.errors import bad_request

MAX_SHOTS = 1_000_000
DEFAULT_SHOTS = 100
MIN_DEBIASING_SHOTS = 500
MAX_CIRCUITS = 5_000
MAX_MULTI_CIRCUIT_GATES = 150_000

CIRCUIT = "ionq.circuit.v1"
MULTI_CIRCUIT = "ionq.multi-circuit.v1"
QASM3 = "ionq.qasm3.v1"
_UNSUPPORTED_TYPES = {"ionq.qir.v1", "qctrl.qaoa.v1", "qctrl.qaoa-circuit.v1", "quantum-function"}

Gate = dict[str, Any]
"""One element of ``input.circuit`` as the client sent it, its types checked."""


@dataclass(frozen=True)
class Circuit:
    """One circuit to run: a gate list in ``gateset`` (``qis`` or ``native``), or OpenQASM 3 text in ``qasm3``.

    ``qubits`` is None when the client left the width to the server.
    """

    name: str | None
    gateset: str
    qubits: int | None
    gates: tuple[Gate, ...]
    qasm3: str | None = None


@dataclass(frozen=True)
class Submission:
    """An accepted request. ``body`` is the client's JSON with defaults filled in, which is what a clone starts from."""

    body: dict[str, Any]
    type: str
    backend: Backend
    shots: int
    name: str | None
    metadata: dict[str, str] | None
    session_id: str | None
    settings: dict[str, Any]
    dry_run: bool
    noise_model: str
    noise_seed: int | None
    circuits: tuple[Circuit, ...]

    @property
    def samples(self) -> bool:
        """Whether results are frequencies over shots; only the ideal simulator answers exact probabilities."""
        return not self.backend.is_simulator or self.noise_model != "ideal"

    @property
    def debiasing(self) -> bool:
        """Whether error mitigation by debiasing was asked for."""
        return bool((self.settings.get("error_mitigation") or {}).get("debiasing"))


def parse_submission(body: Any, backends: BackendCatalogue) -> Submission:
    """Check the body of POST /jobs; raise the official 400 with the fields at fault."""
    if not isinstance(body, dict):
        raise bad_request("The request body must be a JSON object", "body")
    for key in ("backend", "type", "input"):
        if body.get(key) is None:
            raise bad_request(f"Missing required field '{key}'", key)
    kind = _string(body, "type")
    if kind in _UNSUPPORTED_TYPES:
        raise bad_request(f"This emulator does not run jobs of type '{kind}'", "type")
    if kind not in (CIRCUIT, MULTI_CIRCUIT, QASM3):
        raise bad_request(f"Unknown job type '{kind}'", "type")
    backend = backends.for_job(_string(body, "backend"))
    shots = _shots(body.get("shots"))
    settings = _settings(body.get("settings"), shots)
    noise_model, noise_seed = _noise(body.get("noise"))
    if not isinstance(body["input"], dict):
        raise bad_request("'input' must be an object", "input")
    circuits = _circuits(kind, body["input"])
    return Submission(
        body={**body, "shots": shots},
        type=kind,
        backend=backend,
        shots=shots,
        name=_optional(body, "name", str),
        metadata=_metadata(body.get("metadata")),
        session_id=_optional(body, "session_id", str),
        settings=settings,
        dry_run=bool(_optional(body, "dry_run", bool)),
        noise_model=noise_model,
        noise_seed=noise_seed,
        circuits=circuits,
    )


def _string(body: dict[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        raise bad_request(f"'{key}' must be a string", key)
    return value


def _optional(body: dict[str, Any], key: str, kind: type) -> Any:
    value = body.get(key)
    if value is not None and not isinstance(value, kind):
        raise bad_request(f"'{key}' must be a {kind.__name__}", key)
    return value


def _shots(value: Any) -> int:
    if value is None:
        return DEFAULT_SHOTS
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)  # cirq-ionq sends the number as a string
    if not _is_integer(value):
        raise bad_request("'shots' must be an integer", "shots")
    if not 1 <= value <= MAX_SHOTS:
        raise bad_request(f"'shots' must be between 1 and {MAX_SHOTS}", "shots")
    return int(value)


def _settings(value: Any, shots: int) -> dict[str, Any]:
    settings = value or {}
    if not isinstance(settings, dict):
        raise bad_request("'settings' must be an object", "settings")
    mitigation = settings.get("error_mitigation") or {}
    if not isinstance(mitigation, dict):
        raise bad_request("'settings.error_mitigation' must be an object", "settings.error_mitigation")
    for key in ("debiasing", "symmetry_verification"):
        if not isinstance(mitigation.get(key, False), bool):
            raise bad_request(f"'{key}' must be a boolean", f"settings.error_mitigation.{key}")
    if mitigation.get("debiasing") and shots < MIN_DEBIASING_SHOTS:
        raise bad_request(f"Debiasing needs at least {MIN_DEBIASING_SHOTS} shots", "shots")
    compilation = settings.get("compilation") or {}
    if not isinstance(compilation, dict):
        raise bad_request("'settings.compilation' must be an object", "settings.compilation")
    return settings


def _noise(value: Any) -> tuple[str, int | None]:
    if value is None:
        return "ideal", None
    if not isinstance(value, dict):
        raise bad_request("'noise' must be an object", "noise")
    model = value.get("model")
    if not isinstance(model, str) or model not in NOISE_MODELS:
        raise bad_request(f"'noise.model' must be one of {', '.join(NOISE_MODELS)}", "noise.model")
    seed = value.get("seed")
    if seed is not None and not (_is_integer(seed) and 0 <= seed < 2**31):
        raise bad_request("'noise.seed' must be an integer between 0 and 2147483647", "noise.seed")
    return model, seed


def _metadata(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_request("'metadata' must be an object", "metadata")
    for key, entry in value.items():
        if not isinstance(entry, str):
            raise bad_request("Metadata values must be strings", f"metadata.{key}")
    return value


def _circuits(kind: str, body: dict[str, Any]) -> tuple[Circuit, ...]:
    if kind == QASM3:
        data = body.get("data")
        if not isinstance(data, str):
            raise bad_request("'input.data' must be a string", "input.data")
        return (Circuit(None, "qis", None, (), data),)
    gateset = body.get("gateset")
    if gateset not in ("qis", "native"):
        raise bad_request("'input.gateset' must be 'qis' or 'native'", "input.gateset")
    width = _width(body, "input")
    if kind == CIRCUIT:
        return (Circuit(None, gateset, width, _gates(body.get("circuit"), "input.circuit")),)
    circuits = body.get("circuits")
    if not isinstance(circuits, list) or not circuits:
        raise bad_request("'input.circuits' must be a list of circuits", "input.circuits")
    if len(circuits) > MAX_CIRCUITS:
        raise bad_request(f"A job holds at most {MAX_CIRCUITS} circuits", "input.circuits")
    parsed = []
    for index, circuit in enumerate(circuits):
        path = f"input.circuits[{index}]"
        if not isinstance(circuit, dict):
            raise bad_request(f"'{path}' must be an object", path)
        own_gateset = circuit.get("gateset", gateset)
        if own_gateset not in ("qis", "native"):
            raise bad_request(f"'{path}.gateset' must be 'qis' or 'native'", f"{path}.gateset")
        name = circuit.get("name")
        if name is not None and not isinstance(name, str):
            raise bad_request(f"'{path}.name' must be a string", f"{path}.name")
        gates = _gates(circuit.get("circuit"), f"{path}.circuit")
        parsed.append(Circuit(name, own_gateset, _width(circuit, path) or width, gates))
    if sum(len(circuit.gates) for circuit in parsed) > MAX_MULTI_CIRCUIT_GATES:
        raise bad_request(f"A job holds at most {MAX_MULTI_CIRCUIT_GATES} gates", "input.circuits")
    return tuple(parsed)


def _width(body: dict[str, Any], path: str) -> int | None:
    width = body.get("qubits")
    if width is not None and not (_is_integer(width) and width >= 1):
        raise bad_request(f"'{path}.qubits' must be a positive integer", f"{path}.qubits")
    return width


def _gates(value: Any, path: str) -> tuple[Gate, ...]:
    if not isinstance(value, list):
        raise bad_request(f"'{path}' must be a list of gates", path)
    for index, gate in enumerate(value):
        _check_gate(gate, f"{path}[{index}]")
    return tuple(value)


def _check_gate(gate: Any, path: str) -> None:
    if not isinstance(gate, dict):
        raise bad_request(f"'{path}' must be an object", path)
    if not isinstance(gate.get("gate"), str):
        raise bad_request(f"'{path}.gate' must be a string", f"{path}.gate")
    for key, value in gate.items():
        if value is None or key == "gate":
            continue
        if key in ("target", "control"):
            sound = _is_integer(value)
        elif key in ("targets", "controls"):
            sound = isinstance(value, list) and all(_is_integer(entry) for entry in value)
        elif key in ("rotation", "phase", "angle", "time"):
            sound = _is_number(value)
        elif key in ("phases", "coefficients"):
            sound = isinstance(value, list) and all(_is_number(entry) for entry in value)
        elif key == "terms":
            sound = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        else:
            continue
        if not sound:
            raise bad_request(f"'{path}.{key}' has the wrong type", f"{path}.{key}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
