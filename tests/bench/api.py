"""``python -m tests.bench.api``: how fast the API answers on this machine, written into docs/operations.md.

Two measurements, side by side in one run: the handlers alone (an API Gateway event in, the response out, the service
in memory, no emulator and no network), and the whole local cloud over HTTP on loopback with 1, 8 and 32 clients. Every
cell is bounded in requests and in time. The machine is shared and noisy: compare rows of one run, not runs.
"""

from __future__ import annotations

import json
import platform
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from infra.local.cloud import LocalCloud
from qcos.http import gateway, optimize
from qcos.http.app import application
from qcos.plans import PLANS
from qcos.service.circuits import Circuits
from qcos.service.rates import Rates
from qcos.service.stats import Stats
from tests.unit.http.fakes import Context, gateway_event
from tests.unit.service.world import BELL, TENANT, World

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
BEGIN, END = "<!-- bench-api -->\n", "<!-- /bench-api -->\n"
CLIENTS = (1, 8, 32)
REQUESTS = 300
SECONDS = 6.0
BODY = {"qasm": BELL, "backend": "ionq_simulator", "options": {"optimization_level": 0}}


def handlers() -> list[str]:
    """Median milliseconds of a handler, the service in memory."""
    world = World()
    world.backends = type(world.backends)(world.provider, world.clock, 3600)
    world.compose()
    job_id = world.submitted()
    rates = Rates(world.control, world.clock, PLANS["enterprise"])
    stats = Stats(world.views, world.clock, world.plan)
    circuits = Circuits(world.log, world.objects)
    app = application(
        optimize.router(lambda: world.submit, lambda: world.jobs, lambda: stats, lambda: circuits),
        rates=lambda: rates,
    )
    handle = gateway.handler(app, warm=f"/api/v2/jobs/{job_id}", prepare=())
    rows = []
    for name, method, path, body in (
        ("GET job", "GET", f"/api/v2/optimize/{job_id}", None),
        ("POST optimize", "POST", "/api/v2/optimize", BODY),
    ):
        event = gateway_event(method, path, body, tenant=TENANT)
        times = []
        for _ in range(400):
            began = time.perf_counter()
            answer = handle(json.loads(json.dumps(event)), Context())
            times.append(1000 * (time.perf_counter() - began))
            assert answer["statusCode"] == 200, answer
        times.sort()
        rows.append(f"| {name} | {statistics.median(times):.1f} | {times[int(0.95 * len(times))]:.1f} |")
    return rows


def measure(call: Callable[[], Any], clients: int) -> tuple[float, list[float]]:
    """Requests a second and each one's milliseconds, of at most REQUESTS requests or SECONDS seconds."""
    times: list[float] = []
    lock = threading.Lock()
    left = REQUESTS
    end = time.perf_counter() + SECONDS

    def client(_: int) -> None:
        nonlocal left
        while True:
            with lock:
                if left == 0 or time.perf_counter() > end:
                    return
                left -= 1
            began = time.perf_counter()
            call()
            took = 1000 * (time.perf_counter() - began)
            with lock:
                times.append(took)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return len(times) / (time.perf_counter() - began), sorted(times)


def cloud() -> list[str]:
    """Rows over HTTP against the whole local cloud."""
    rows = []
    limits = httpx.Limits(max_connections=64)
    with LocalCloud(plan="enterprise") as running:
        headers = {"X-API-Key": running.ready["api_key"]}
        with httpx.Client(
            base_url=running.ready["api_url"], headers=headers, timeout=60, limits=limits, trust_env=False
        ) as http:
            job_id = http.post("/api/v2/optimize", json=BODY).json()["data"]["job_id"]
            http.get(f"/api/v2/optimize/{job_id}?wait=20")

            def get() -> None:
                http.get(f"/api/v2/optimize/{job_id}").raise_for_status()

            def listing() -> None:
                http.get("/api/v2/jobs").raise_for_status()

            def post() -> None:
                http.post("/api/v2/optimize", json=BODY).raise_for_status()

            for name, call in (("GET job", get), ("GET jobs", listing), ("POST optimize", post)):
                for clients in CLIENTS:
                    rate, times = measure(call, clients)
                    p50, p95, p99 = (times[min(len(times) - 1, int(p * len(times)))] for p in (0.5, 0.95, 0.99))
                    rows.append(f"| {name} | {clients} | {rate:.1f} | {p50:.0f} | {p95:.0f} | {p99:.0f} |")
                    print(rows[-1], flush=True)
    return rows


def main() -> None:
    alone = handlers()
    print("\n".join(alone), flush=True)
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')}, python {platform.python_version()}, {platform.machine()}; cores",
        "shared with everything the local cloud runs. Not AWS: only the first table says something about the code.",
        "",
        "Handlers alone, service in memory, milliseconds:",
        "",
        "| request | median | p95 |",
        "|---|---|---|",
        *alone,
        "",
        "The whole local cloud over HTTP (gateway emulator, authorizer, function, tables), milliseconds:",
        "",
        "| request | clients | requests/s | p50 | p95 | p99 |",
        "|---|---|---|---|---|---|",
        *cloud(),
        "",
    ]
    page = PAGE.read_text()
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(head + BEGIN + "\n".join(lines) + END + tail)


if __name__ == "__main__":
    main()
