"""The front passes messages on unchanged, and answers as the gateway would where the emulator cannot."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from infra.local import front
from infra.local.localise import localise
from tests.infra.template import Stack


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it was sent; some paths answer in a special way."""
    request = Request(scope, receive)
    path = scope["raw_path"].decode()
    if path.endswith("/zipped"):
        response = Response(gzip.compress(b"hello"), headers={"content-encoding": "gzip", "content-type": "text/plain"})
    elif path.endswith("/twice"):
        response = Response("no", status_code=418, headers={"date": "Sun, 22 Nov 2026 09:00:00 GMT"})
        response.headers.append("set-cookie", "a=1")
        response.headers.append("set-cookie", "b=2")
    else:
        response = JSONResponse(
            {
                "method": request.method,
                "path": path,
                "query": scope["query_string"].decode(),
                "headers": {name: request.headers.get(name) for name in ("x-api-key", "authorization", "connection")},
                "body": (await request.body()).decode("latin-1"),
            }
        )
    await response(scope, receive, send)


@pytest.fixture(scope="module")
def responses(acme: Stack) -> dict[str, front.GatewayResponse]:
    return front.gateway_responses(localise(acme.template))


@pytest.fixture(scope="module")
def client(responses: dict[str, front.GatewayResponse]) -> Iterator[httpx.Client]:
    behind, before = front.listen(0), front.listen(0)
    stage = f"http://127.0.0.1:{behind.getsockname()[1]}/restapis/x/live/_user_request_"
    with (
        front.serving(Starlette(routes=[Mount("/", upstream)]), behind),
        front.serving(front.build(stage, responses), before),
        httpx.Client(base_url=f"http://127.0.0.1:{before.getsockname()[1]}", trust_env=False) as http,
    ):
        yield http


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_reaches_the_stage_with_path_query_and_body_as_sent(client: httpx.Client, method: str) -> None:
    answer = client.request(
        method,
        "/api/v2/jobs/a%2Fb%20c?x=1&x=2&y=%C3%A9",
        headers={"X-API-Key": "k", "Authorization": "Bearer t"},
        content=b"\x00\xff",
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["method"] == method
    assert body["path"] == "/restapis/x/live/_user_request_/api/v2/jobs/a%2Fb%20c"
    assert body["query"] == "x=1&x=2&y=%C3%A9"
    assert (body["headers"]["x-api-key"], body["headers"]["authorization"]) == ("k", "Bearer t")
    assert body["body"] == "\x00\xff"


def test_status_and_repeated_headers_come_back(client: httpx.Client) -> None:
    answer = client.get("/twice")
    assert (answer.status_code, answer.text) == (418, "no")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers.get_list("date") == ["Sun, 22 Nov 2026 09:00:00 GMT"]


def test_a_compressed_answer_stays_compressed(client: httpx.Client) -> None:
    with client.stream("GET", "/zipped") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(answer.iter_raw())) == b"hello"


def test_a_body_of_ten_megabytes_passes_and_one_byte_more_does_not(client: httpx.Client) -> None:
    assert client.post("/x", content=b"a" * front.BODY_LIMIT).status_code == 200
    announced = client.post("/x", content=b"a" * (front.BODY_LIMIT + 1))
    streamed = client.post("/x", content=(b"a" * 1024 for _ in range(front.BODY_LIMIT // 1024 + 1)))
    for answer in (announced, streamed):
        assert answer.status_code == 413
        error = answer.json()["error"]
        assert error["code"] == "PAYLOAD_TOO_LARGE"
        assert error["request_id"] == answer.headers["x-amzn-requestid"] == answer.headers["x-request-id"]


def test_an_emulator_that_is_gone_is_a_gateway_error(responses: dict[str, front.GatewayResponse]) -> None:
    unused, listener = front.listen(0), front.listen(0)
    stage = f"http://127.0.0.1:{unused.getsockname()[1]}"
    unused.close()
    with front.serving(front.build(stage, responses), listener):
        answer = httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/health", trust_env=False)
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "UNAVAILABLE"


def test_the_documentation_is_served_from_this_machine(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text.replace("https://", "http://").split("<script")[1]
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/docs/assets/{asset}" in page.text
        assert client.get(f"/docs/assets/{asset}").status_code == 200
    assert client.get("/docs/").headers["location"] == "/docs"


def test_every_status_the_template_states_is_known(responses: dict[str, front.GatewayResponse]) -> None:
    assert responses["UNAUTHORIZED"].status == 401
    assert "DEFAULT_4XX" not in responses
    for response in responses.values():
        assert json.loads(response.template)["success"] is False
    assert responses["THROTTLED"].render().headers["retry-after"] == "1"
