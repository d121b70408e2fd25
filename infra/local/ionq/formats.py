"""JSON schemas of the result and circuit formats the emulator writes."""

from typing import Any

from infra.local.ionq.errors import not_found

_NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _registers(entry: dict[str, Any]) -> dict[str, Any]:
    return _object(registers={"type": "object", "additionalProperties": entry})


_BITS = {"type": "array", "items": {"enum": [0, 1]}}
_NATIVE_GATE = {
    "type": "object",
    "properties": {
        "gate": {"enum": ["gpi", "gpi2", "ms", "zz", "nop"]},
        "target": {"type": "integer"},
        "targets": {"type": "array", "items": {"type": "integer"}},
        "phase": {"type": "number"},
        "phases": {"type": "array", "items": {"type": "number"}},
        "angle": {"type": "number"},
    },
    "required": ["gate"],
}
_FORMATS: dict[str, dict[str, Any]] = {
    "ionq.result.probabilities.json.v1": _NUMBERS,
    "ionq.result.probabilities.json.v2": _object(probabilities=_registers(_NUMBERS)),
    "ionq.result.histogram.json.v1": _NUMBERS,
    "ionq.result.histogram.json.v2": _object(histogram=_registers(_NUMBERS)),
    "ionq.result.shots.json.v1": {"type": "array", "items": {"type": "string"}},
    "ionq.result.shots.json.v2": _object(shots={"type": "array", "items": _registers(_BITS)}),
    "ionq.result.probabilities-aggregate.json.v1": {"type": "object", "additionalProperties": _NUMBERS},
    "ionq.native.v1": _object(qubits={"type": "integer"}, circuit={"type": "array", "items": _NATIVE_GATE}),
}


def format_schema(name: str) -> dict[str, Any]:
    """The JSON schema of a format; 404 when the format is unknown."""
    if name not in _FORMATS:
        raise not_found()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **_FORMATS[name]}
