"""What is changed in ministack is still there to be changed, and does what it is for."""

from __future__ import annotations

import importlib
import threading
from importlib import metadata
from typing import Any

import pytest

from infra.local import launcher


def test_ministack_is_exactly_the_version_the_changes_were_made_for() -> None:
    assert metadata.version("ministack") == launcher.MINISTACK_VERSION
    wanted = metadata.metadata("qcos-core-api").get_all("Requires-Dist") or []
    assert [line for line in wanted if line.startswith(f"ministack=={launcher.MINISTACK_VERSION};")]


@pytest.mark.parametrize(("module", "name"), launcher.PATCHED)
def test_each_changed_name_exists(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_the_worker_reports_exceptions_on_the_one_line_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    script = runtime._PYTHON_WORKER_SCRIPT
    monkeypatch.setattr(runtime, "_PYTHON_WORKER_SCRIPT", script)
    launcher.keep_workers()
    changed = runtime._PYTHON_WORKER_SCRIPT
    assert changed != script
    compile(changed, "worker", "exec")
    with pytest.raises(RuntimeError, match="another way"):
        launcher.keep_workers()


def test_a_marked_value_becomes_the_error_it_stands_for(service: Any) -> None:
    raised = {"errorMessage": "no", "errorType": "Odd", "stackTrace": ["a", "b"]}
    service.answer = {"body": {"$raised": raised}, "log": "before"}
    launcher.bound_workers()
    result = service.module._execute_function_warm({"FunctionName": "one"}, {}, "id")
    assert result == {"body": raised, "error": True, "log": "before\na\nb"}


def test_any_other_value_is_left_alone(service: Any) -> None:
    launcher.bound_workers()
    for answer in ({"body": {"statusCode": 200}, "log": ""}, {"body": None}, {"body": "text"}):
        service.answer = answer
        assert service.module._execute_function_warm({"FunctionName": "one"}, {}, "id") is answer


def test_a_third_call_of_a_function_waits_and_other_functions_do_not(service: Any) -> None:
    launcher.bound_workers()
    service.hold = threading.Event()
    calls = [
        threading.Thread(target=service.module._execute_function_warm, args=({"FunctionName": name}, {}, "id"))
        for name in ("one", "one", "one", "two")
    ]
    for call in calls:
        call.start()
    for _ in range(3):
        assert service.entered.acquire(timeout=10)
    # Two of "one" and the one of "two" are inside; the third of "one" is not, for as long as they stay.
    assert sorted(service.inside) == ["one", "one", "two"]
    assert not service.entered.acquire(timeout=0.2)
    service.hold.set()
    for call in calls:
        call.join()
    assert sorted(service.inside) == ["one", "one", "one", "two"]


def test_a_tasks_time_begins_when_it_is_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third task of a function waits, and nobody counts its time, while two of them run."""
    steps = importlib.import_module("ministack.services.stepfunctions")
    monkeypatch.setattr(steps, "_invoke_resource_with_timeout", steps._invoke_resource_with_timeout)
    begun = threading.Semaphore(0)
    going = threading.Event()

    def invoke(resource: str, input_data: Any) -> Any:
        begun.release()
        assert going.wait(10)
        return input_data

    monkeypatch.setattr(steps, "_invoke_resource", invoke)
    launcher.time_tasks_from_their_start()
    answers: list[Any] = []

    def task(number: int) -> None:
        answers.append(steps._invoke_resource_with_timeout("arn:function", number, 60))

    tasks = [threading.Thread(target=task, args=(number,)) for number in range(3)]
    for each in tasks[:2]:
        each.start()
        assert begun.acquire(timeout=10)
    tasks[2].start()
    assert not begun.acquire(timeout=0.2)
    going.set()
    for each in tasks:
        each.join()
    assert sorted(answers) == [0, 1, 2]


def test_the_emulator_listens_on_this_machine_only() -> None:
    settings = launcher.environment(port=4711, region="eu-central-1")
    assert settings["BIND_HOST"] == settings["MINISTACK_HOST"] == "127.0.0.1"
    assert settings["IOT_MTLS_ENABLED"] == "0"
    assert settings["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4711"


class Service:
    """Stands in for the function that runs handlers: says who came in, and may be told to hold them."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.answer: dict[str, Any] = {"body": None}
        self.hold: threading.Event | None = None
        self.entered = threading.Semaphore(0)
        self.inside: list[str] = []

    def execute(self, func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        self.inside.append(func["FunctionName"])
        self.entered.release()
        if self.hold:
            self.hold.wait(10)
        return self.answer


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    module = importlib.import_module("ministack.services.lambda_svc")
    stand_in = Service(module)
    monkeypatch.setattr(module, "_execute_function_warm", stand_in.execute)
    return stand_in
