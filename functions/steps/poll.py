"""Fed by the poll queue: ask the provider about waiting jobs and wake their workflows."""

import json
from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.poll)
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    records = event["Records"]
    failed = wiring.poll()([json.loads(record["body"]) for record in records])
    return {"batchItemFailures": [{"itemIdentifier": records[position]["messageId"]} for position in failed]}
