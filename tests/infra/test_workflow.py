"""The workflow's text: one definition, well formed, the same in the repository, on AWS and locally."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.local.assembly import INFRA
from infra.local.localise import localise
from tests.infra.template import Stack

TEXT = (INFRA / "workflow" / "job.asl.json").read_text(encoding="utf-8")
STATES: dict[str, dict[str, Any]] = json.loads(TEXT)["States"]
TASKS = sorted(name for name, state in STATES.items() if state["Type"] == "Task")


def successors(state: dict[str, Any]) -> set[str]:
    """Every state that may follow."""
    found = {state[name] for name in ("Next", "Default") if name in state}
    return found | {rule["Next"] for part in ("Choices", "Catch") for rule in state.get(part, [])}


def test_the_text_reaches_the_template_and_the_local_cloud_unchanged(acme: Stack) -> None:
    _, machine = acme.one("AWS::StepFunctions::StateMachine")
    assert machine["DefinitionString"] == TEXT
    _, local = Stack(localise(acme.template)).one("AWS::StepFunctions::StateMachine")
    assert local["DefinitionString"].encode() == TEXT.encode()


def test_every_state_is_defined_and_can_be_reached() -> None:
    reached: set[str] = set()
    ahead = {json.loads(TEXT)["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= successors(STATES[name]) - reached
    assert reached == set(STATES)


def test_every_state_goes_on_or_ends() -> None:
    for state in STATES.values():
        if state["Type"] == "Task":
            assert ("Next" in state) != state.get("End", False)
        else:
            assert state["Type"] in {"Choice", "Succeed"}


@pytest.mark.parametrize("name", TASKS)
def test_no_task_can_hang_or_lose_an_error(name: str) -> None:
    state = STATES[name]
    assert state["TimeoutSeconds"] > 0
    if name == "Fail":
        assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
    else:
        assert state["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}
    for retry in state.get("Retry", []):
        assert retry["MaxAttempts"] > 0
        assert retry["JitterStrategy"] == "FULL"


def test_at_most_six_transitions_to_the_end_of_a_job() -> None:
    def longest(name: str) -> int:
        following = {one for one in successors(STATES[name]) if one != "Fail"}
        return 1 + max((longest(one) for one in following), default=0)

    assert longest("Transpile") <= 6


def test_substitutions_are_exactly_those_the_text_asks_for(acme: Stack) -> None:
    _, machine = acme.one("AWS::StepFunctions::StateMachine")
    given = machine["DefinitionSubstitutions"]
    assert set(given) == set(re.findall(r"\$\{(\w+)\}", TEXT))
    functions = acme.functions()
    for name in ("transpile", "execute", "sign", "fail"):
        assert given[f"{name.capitalize()}FunctionArn"] == {"Fn::GetAtt": [functions[name][0], "Arn"]}
    poll, _ = acme.one("AWS::SQS::Queue", "StoragePoll0")
    assert given["PollQueueUrl"] == {"Ref": poll}


def test_a_function_gives_up_before_its_state_does(acme: Stack) -> None:
    for state, name in (("Transpile", "transpile"), ("Execute", "execute"), ("Sign", "sign"), ("Fail", "fail")):
        _, function = acme.functions()[name]
        assert function["Timeout"] < STATES[state]["TimeoutSeconds"]


def test_a_search_that_used_up_its_function_is_begun_once_more() -> None:
    """A bad moment passes; a circuit that always ends so must not keep its job for hours."""
    timed_out, other = STATES["Transpile"]["Retry"]
    assert (timed_out["ErrorEquals"], timed_out["MaxAttempts"]) == (["Sandbox.Timedout"], 1)
    assert (other["ErrorEquals"], other["MaxAttempts"]) == (["States.TaskFailed"], 4)


def test_the_machine_may_call_its_steps_and_its_queue_only(acme: Stack) -> None:
    _, machine = acme.one("AWS::StepFunctions::StateMachine")
    role = machine["RoleArn"]["Fn::GetAtt"][0]
    (policy,) = (p for p in acme.of("AWS::IAM::Policy").values() if {"Ref": role} in p["Roles"])
    by_action = {str(s["Action"]): s["Resource"] for s in policy["PolicyDocument"]["Statement"]}
    functions = acme.functions()
    assert by_action["lambda:InvokeFunction"] == [
        {"Fn::GetAtt": [functions[name][0], "Arn"]} for name in ("transpile", "execute", "sign", "fail")
    ]
    poll, _ = acme.one("AWS::SQS::Queue", "StoragePoll0")
    assert by_action["sqs:SendMessage"] == {"Fn::GetAtt": [poll, "Arn"]}


def test_standard_traced_and_silent_about_task_tokens(acme: Stack) -> None:
    _, machine = acme.one("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
