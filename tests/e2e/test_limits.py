"""The edges of what one tenant may ask for: many clients at once, large batches, long results, money, two tenants.

Whatever takes the cloud a while is begun first and looked at last.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha3_256
from typing import Any

import httpx
import pytest

from infra.local import assembly
from infra.local.deploy import Deployer
from infra.local.localise import localise
from infra.tenants import load_tenants
from qcos.plans import EVALUATIONS, PLANS
from tests.e2e.conftest import Api, circuit
from tests.e2e.test_jobs import wait_for_provider_id

BELL = circuit("bell")
CLIENTS = 32
SHAPE = {"code", "message", "details", "request_id", "retryable"}
WIDE = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[20];\n' + "".join(f"h q[{n}];\n" for n in range(17))
"""20 qubits with 2**17 outcomes before noise."""
SHOTS = 1_000_000
PLAIN = {"optimization_level": 0}


def at_once(calls: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """The answers to calls made by so many clients at a time, in the order of the calls."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda call: call(), calls))


def ledger(api: Api, what: str) -> tuple[dict[str, Any], int]:
    """The key of this month's counter, and where it stands."""
    key = {"pk": {"S": f"LEDGER#{api.cloud.tenant.tenant}"}, "sk": {"S": f"{what}#{datetime.now(UTC):%Y-%m}"}}
    table = api.cloud.outputs["ControlTable"]
    item = api.cloud.deployer().client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return key, int(item["amount"]["N"]) if item else 0


@pytest.fixture(scope="module", autouse=True)
def long_job(api: Api) -> str:
    """A job whose results are too long for an answer."""
    return api.submit(WIDE, "ionq_forte", shots=SHOTS, options={**PLAIN, "evidence": True, "memory": True})


def test_of_32_clients_with_one_key_all_get_the_one_job(api: Api) -> None:
    _, before = ledger(api, "evaluations")
    same = {"qasm": BELL, "backend": "ionq_simulator", "options": PLAIN}
    others = [{**same, "shots": shots} for shots in range(1, 1 + CLIENTS)]

    def post(body: dict[str, Any], key: str) -> Callable[[], httpx.Response]:
        return lambda: api.http.post("/api/v2/optimize", json=body, headers={"Idempotency-Key": key})

    answers = at_once([post(same, "alike")] * CLIENTS + [post(body, "unlike") for body in others])
    alike, unlike = answers[:CLIENTS], answers[CLIENTS:]
    assert {answer.status_code for answer in alike} == {200}
    assert len({answer.text for answer in alike}) == 1
    assert Counter(answer.status_code for answer in unlike) == {200: 1, 422: CLIENTS - 1}
    refused = [answer.json()["error"] for answer in unlike if answer.status_code == 422]
    assert {(error["code"], error["retryable"]) for error in refused} == {("IDEMPOTENCY_MISMATCH", False)}
    assert all(error.keys() == SHAPE for error in refused)
    assert ledger(api, "evaluations")[1] - before == 2 * EVALUATIONS[0]
    winner = next(n for n, answer in enumerate(unlike) if answer.status_code == 200)
    won = unlike[winner].json()["data"]["job_id"]
    assert api.get(f"/api/v2/jobs/{won}")["shots"] == others[winner]["shots"]


def test_a_job_over_the_tenants_money_is_not_sent(api: Api, long_job: str) -> None:
    wait_for_provider_id(api, long_job)  # it must have its money before the rest is taken away
    key, spent = ledger(api, "spend")
    # The least that a machine costs is more than is left.
    rest = PLANS["enterprise"].monthly_spend_microdollars - spent - 1_000_000
    move(api, key, rest)
    try:
        job = api.finished(api.submit(BELL, "ionq_aria", options=PLAIN))
        assert (job["status"], job["error"]["code"]) == ("failed", "SPEND_LIMIT_EXCEEDED"), job
        assert job["error"]["retryable"] is True
        assert "$1,000,000.00 a month" in job["error"]["message"]
        assert job["provider_job_id"] is None
    finally:
        move(api, key, -rest)


def move(api: Api, key: dict[str, Any], amount: int) -> None:
    api.cloud.deployer().client("dynamodb").update_item(
        TableName=api.cloud.outputs["ControlTable"],
        Key=key,
        UpdateExpression="ADD amount :amount",
        ExpressionAttributeValues={":amount": {"N": str(amount)}},
    )


@pytest.fixture
def neighbour(api: Api) -> Iterator[httpx.Client]:
    """Another tenant on the free plan: a stack of its own in the same cloud."""
    tenant = next(one for one in load_tenants() if one.tenant != api.cloud.tenant.tenant)
    deployer = Deployer(api.cloud.ready["aws_endpoint_url"], tenant.region)
    built, _ = assembly.load()
    deployer.publish(built.assets(tenant.stack_name))
    parameters = {"IonqUrl": api.cloud.ready["ionq_url"], "Issuer": "http://127.0.0.1", "Plan": "free"}
    outputs = deployer.create(tenant.stack_name, localise(built.template(tenant.stack_name)), parameters)
    stage = f"/restapis/{outputs['ApiId']}/{outputs['ApiStage']}/_user_request_"
    url = api.cloud.ready["aws_endpoint_url"] + stage
    headers = {"X-API-Key": deployer.mint_key(outputs["MintKeyFunction"])}
    with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as http:
        yield http


def test_rates_are_exact_and_nobody_elses(api: Api, neighbour: httpx.Client) -> None:
    plan = PLANS["free"]
    limit = plan.requests_per_minute
    # A minute may end meanwhile, so answers are told apart by the end of the window that they were counted in.
    windows: defaultdict[int, list[httpx.Response]] = defaultdict(list)

    def ask() -> httpx.Response:
        answer = neighbour.get("/api/v2/jobs")
        by_day = answer.headers["RateLimit-Limit"] == str(plan.requests_per_day)
        windows[0 if by_day else round((time.time() + int(answer.headers["RateLimit-Reset"])) / 60)].append(answer)
        return answer

    assert ask().json()["data"]["jobs"] == []
    assert api.http.get("/api/v2/jobs", headers={"X-API-Key": neighbour.headers["X-API-Key"]}).status_code == 401
    calls: list[Callable[[], httpx.Response]] = [ask] * (limit + CLIENTS)
    calls[limit:limit] = [lambda: api.http.get("/api/v2/jobs")] * 8
    ours = [answer for answer in at_once(calls) if "/restapis/" not in answer.request.url.path]
    assert [answer.status_code for answer in ours] == [200] * 8
    # Where a minute has just begun, the day is nearer its end, and its figures are those that are answered.
    own = {PLANS["enterprise"].requests_per_minute, PLANS["enterprise"].requests_per_day}
    assert {int(answer.headers["RateLimit-Limit"]) for answer in ours} <= own

    by_day, missing = windows.pop(0, []), 0
    assert {answer.status_code for answer in by_day} <= {200}
    refused: list[httpx.Response] = []
    for answers in windows.values():
        left = sorted(int(answer.headers["RateLimit-Remaining"]) for answer in answers if answer.status_code == 200)
        assert left == list(range(left[0], left[-1] + 1))
        missing += limit - 1 - left[-1]
        over = [answer for answer in answers if answer.status_code != 200]
        assert left[0] == 0 or not over
        refused += over
    assert missing <= len(by_day)
    assert refused or len(windows) + bool(by_day) > 1
    for answer in refused:
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
        assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == (str(limit), "0")
        error = answer.json()["error"]
        assert error.keys() == SHAPE
        assert (error["code"], error["retryable"]) == ("RATE_LIMIT_EXCEEDED", True)


def streams(api: Api) -> int:
    """How many jobs and batches have ever begun."""
    pages = api.cloud.deployer().client("dynamodb").get_paginator("scan")
    first = {"FilterExpression": "sk = :first", "ExpressionAttributeValues": {":first": {"N": "1"}}}
    return sum(page["Count"] for page in pages.paginate(TableName=api.cloud.outputs["EventsTable"], **first))


def test_a_batch_is_refused_whole(api: Api) -> None:
    before = streams(api)
    qasm = BELL + "// of a batch that is refused\n"
    one = {"qasm": qasm, "backend": "ionq_simulator"}
    bad = {"qasm": qasm.replace("cx q[0],q[1]", "cx q[0],q[7]"), "backend": "ionq_simulator"}
    answer = api.http.post("/api/v2/optimize/batch", json={"circuits": [one] * 99})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert "at most 98 circuits" in answer.json()["error"]["message"]
    answer = api.http.post("/api/v2/optimize/batch", json={"circuits": [*[one] * 60, bad, *[one] * 37]})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], [place["index"] for place in error["details"]]) == ("INVALID_CIRCUIT", [60])
    assert error["details"][0]["line"]
    assert streams(api) == before
    stored = (
        api.cloud.deployer()
        .client("s3")
        .list_objects_v2(Bucket=api.cloud.outputs["Objects"], Prefix=f"circuits/{sha3_256(qasm.encode()).hexdigest()}")
    )
    assert stored["KeyCount"] == 0


def test_long_results_are_linked_and_whole(api: Api, long_job: str) -> None:
    job = api.finished(long_job, 180)
    assert job["status"] == "completed", job["error"]
    results = job["results"]
    assert (results["counts"], results["probabilities"], results["memory"]) == (None, None, None)
    assert (results["truncated"], results["shots"]) == (False, SHOTS)
    proof = api.get(f"/api/v2/evidence/{job['evidence_bundle_id']}")["execution_proof"]

    def linked(url: str, digest: str) -> Any:
        answer = httpx.get(url, trust_env=False, timeout=60)  # no key: the link is all it takes
        assert answer.status_code == 200
        assert "sha3-256:" + sha3_256(answer.content).hexdigest() == digest
        return answer.json()

    found = linked(results["url"], proof["result_hash"])
    assert sum(found["counts"].values()) == SHOTS
    assert len(found["counts"]) > 2**17
    assert found["counts"].keys() == found["probabilities"].keys()
    assert Counter(linked(results["memory_url"], proof["memory_hash"])) == found["counts"]


def test_a_batch_of_98_is_taken_and_each_circuit_has_its_own_end(api: Api) -> None:
    one = {"qasm": BELL, "backend": "ionq_simulator"}
    dear = {"qasm": BELL, "backend": "ionq_forte", "options": {"max_cost_usd": 0.01}}
    body = {"circuits": [dear, *({**one, "name": f"circuit {n}"} for n in range(1, 98))], "options": PLAIN}
    answer = api.http.post("/api/v2/optimize/batch", json=body)
    assert answer.status_code == 200, answer.text
    batch_id, job_ids = answer.json()["data"]["batch_id"], answer.json()["data"]["job_ids"]
    assert len(set(job_ids)) == 98

    def batch(until: Callable[[Counter[str]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while True:
            found = api.get(f"/api/v2/optimize/batch/{batch_id}")
            assert [one["job_id"] for one in found["jobs"]] == job_ids
            counts = Counter(one["status"] for one in found["jobs"])
            assert counts == found["counts"]
            if until(counts):
                return found
            assert time.monotonic() < deadline, counts
            time.sleep(1)

    batch(lambda counts: counts["failed"] == 1 and counts["completed"] >= 1)
    # To run them all would take this machine a minute or two.
    cancelled = api.http.delete(f"/api/v2/optimize/batch/{batch_id}")
    assert cancelled.status_code == 200, cancelled.text
    ended = batch(lambda counts: counts.keys() <= {"completed", "failed", "cancelled"})
    assert ended["status"] == "partial"
    assert sum(ended["counts"].values()) == 98
    assert ended["counts"]["cancelled"] >= 1
    first, *rest = ended["jobs"]
    assert (first["status"], first["error_code"]) == ("failed", "COST_LIMIT_EXCEEDED")
    assert [one["name"] for one in rest] == [f"circuit {n}" for n in range(1, 98)]
    assert {one["error_code"] for one in rest} == {None}
    failure = api.get(f"/api/v2/jobs/{job_ids[0]}")
    assert "max_cost_usd of $0.01" in failure["error"]["message"]
    assert failure["provider_job_id"] is None
