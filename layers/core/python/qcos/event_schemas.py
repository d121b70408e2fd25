"""The public contract of the event bus as JSON Schema, generated from the event classes.

``python -m qcos.event_schemas DIRECTORY`` writes one file a type; a test compares them with ``events/schemas``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qcos.events import EVENT_TYPES, EventData

SOURCE = "qcos.jobs"


def schema(kind: type[EventData]) -> dict[str, Any]:
    """The schema of a bus event's ``detail`` for one type: where it stands in its log, and what it says."""
    data = kind.model_json_schema()
    definitions = data.pop("$defs", {})
    text = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.__name__,
        "description": f"detail of an EventBridge event with source {SOURCE} and detail-type {kind.__name__}",
        "type": "object",
        "required": ["metadata", "data"],
        "properties": {
            "metadata": {
                "type": "object",
                "required": [
                    "event_id",
                    "tenant",
                    "job_id",
                    "version",
                    "correlation_id",
                    "schema_version",
                    "occurred_at",
                ],
                "properties": {
                    "event_id": text,
                    "tenant": text,
                    "job_id": text,
                    "version": {"type": "integer", "minimum": 1},
                    "correlation_id": text,
                    "schema_version": {"const": kind.schema_version},
                    "occurred_at": {"type": "string", "format": "date-time"},
                },
            },
            "data": data,
        },
        **({"$defs": definitions} if definitions else {}),
    }


def write(directory: Path) -> None:
    """Write every type's schema into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, kind in EVENT_TYPES.items():
        (directory / f"{name}.json").write_text(json.dumps(schema(kind), indent=2) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
