"""Each function: its handler, size, layers, environment, and exactly the rights it needs."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from qcos.adapters.messages import AGAIN_S
from qcos.service.transpile import SECONDS
from tests.infra.template import Stack, references

ROOT = Path(__file__).resolve().parents[2]

API = {"optimize", "jobs", "backends", "evidence", "account"}
STEPS = {"transpile", "execute", "sign", "fail"}
READERS = {"project", "relay"}
OPERATED = {"mint_key", "signing_keys", "held_job"}
SCHEDULED = {"checkpoint": 5, "sweep": 5, "redrive": 15}  # how often, in minutes
DRIVERS = ("relay", "sweep", "redrive")
FUNCTIONS = sorted(API | STEPS | READERS | OPERATED | SCHEDULED.keys() | {"authorizer", "poll"})

COMMON = {
    "LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "QCOS_BUCKET",
    "QCOS_BUS_NAME",
    "QCOS_CHECKPOINTS_BUCKET",
    "QCOS_CONTROL_TABLE",
    "QCOS_EVENTS_TABLE",
    "QCOS_ISSUER",
    "QCOS_PARKED_QUEUE_URL",
    "QCOS_PLAN",
    "QCOS_POLL_QUEUE_URL",
    "QCOS_TENANT",
    "QCOS_VIEWS_TABLE",
}
IONQ = {"QCOS_IONQ_SECRET_ARN", "QCOS_IONQ_URL"}
OWN = {
    "optimize": IONQ,
    "jobs": IONQ,
    "backends": IONQ,
    "account": IONQ | {"QCOS_PEPPER_SECRET_ARN"},
    "execute": IONQ,
    "poll": IONQ,
    "authorizer": {"QCOS_PEPPER_SECRET_ARN"},
    "mint_key": {"QCOS_PEPPER_SECRET_ARN"},
    "held_job": IONQ,
    "evidence": {"QCOS_CHECKPOINT_FUNCTION"},
    "sign": {"QCOS_SIGNING_KEY_ARN", "QCOS_CLASSICAL_KEY_ARN"},
    "checkpoint": {"QCOS_LOG_KEY_ARN"},
    **{name: {"QCOS_STATE_MACHINE_ARN"} for name in DRIVERS},
}
LAYERS = {name: ["Core", "Evidence"] for name in ("sign", "evidence", "checkpoint")} | {
    "transpile": ["Core", "Optimizer"]
}


def test_the_functions_are_these(acme: Stack) -> None:
    assert sorted(acme.functions()) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_is_there(acme: Stack, name: str) -> None:
    _, properties = acme.functions()[name]
    *module, attribute = properties["Handler"].split(".")
    tree = ast.parse(ROOT.joinpath(*module).with_suffix(".py").read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} | {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert attribute in defined


@pytest.mark.parametrize("name", FUNCTIONS)
def test_runtime_layers_environment_and_log(acme: Stack, name: str) -> None:
    _, properties = acme.functions()[name]
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["x86_64"])
    assert properties["TracingConfig"] == {"Mode": "Active"}
    layers = [re.sub(r"^Runtime(\w+)Layer.*$", r"\1", layer["Ref"]) for layer in properties["Layers"]]
    assert layers == LAYERS.get(name, ["Core"])
    variables = properties["Environment"]["Variables"]
    assert set(variables) == COMMON | OWN.get(name, set())
    assert variables["POWERTOOLS_SERVICE_NAME"] == name
    log_group = properties["LoggingConfig"]["LogGroup"]["Ref"]
    assert acme.of("AWS::Logs::LogGroup")[log_group]["RetentionInDays"] == 90


def test_every_function_has_a_role_and_a_log_group_of_its_own(acme: Stack) -> None:
    functions = [properties for _, properties in acme.functions().values()]
    assert len({p["Role"]["Fn::GetAtt"][0] for p in functions}) == len(functions)
    assert len({p["LoggingConfig"]["LogGroup"]["Ref"] for p in functions}) == len(functions)


def test_nobody_waits_longer_for_a_function_than_it_may_run(acme: Stack) -> None:
    timeouts = {name: properties["Timeout"] for name, (_, properties) in acme.functions().items()}
    assert all(timeouts[name] < 29 for name in API)
    assert timeouts["authorizer"] + max(timeouts[name] for name in API) < 60
    # The search has its time, then half a minute is left for the rest; Lambda grants no more than 900 seconds.
    assert max(SECONDS.values()) + 30 <= timeouts["transpile"] <= 900
    _, transpile = acme.functions()["transpile"]
    assert transpile["MemorySize"] == 3008


@pytest.mark.parametrize("name", ["execute", "poll"])
def test_a_million_outcomes_fit_in_the_functions_that_read_them(acme: Stack, name: str) -> None:
    """They take up to 670 MB, and ten seconds of a whole processor, which a function has from 1,769 MB on."""
    assert acme.functions()[name][1]["MemorySize"] >= 1769


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_right_is_wider_than_a_kind_of_name(acme: Stack, name: str) -> None:
    for statement in acme.statements(name):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        for resource in statement["Resource"]:
            if resource == "*":
                # X-Ray and ListStreams know no resources.
                assert set(statement["Action"]) <= {
                    "dynamodb:ListStreams",
                    "xray:PutTelemetryRecords",
                    "xray:PutTraceSegments",
                }
            elif "*" in str(resource):
                tail = resource["Fn::Join"][1][-1]
                assert re.fullmatch(r"/[a-z]+/\*", tail) or (name in DRIVERS and tail == ":*"), resource


def objects_of(stack: Stack, name: str) -> set[tuple[str, str]]:
    """What a function may do to objects, and below which prefix."""
    return {
        (action, resource["Fn::Join"][1][-1])
        for statement in stack.statements(name)
        for action in statement["Action"]
        for resource in statement["Resource"]
        if action.startswith("s3:") and action != "s3:ListBucket"
    }


def test_the_evidence_function_reads_bundles_and_the_results_their_pages_show(acme: Stack) -> None:
    reads = {("s3:GetObject", f"/{prefix}/*") for prefix in ("evidence", "exports", "log", "results")}
    assert objects_of(acme, "evidence") == reads | {("s3:PutObject", "/exports/*")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_log_is_append_only_by_right(acme: Stack, name: str) -> None:
    events, _ = acme.one("AWS::DynamoDB::Table", "StorageEvents")
    stream = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
    append = {"dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:Query"}
    appenders = {"optimize", "jobs", "evidence", "transpile", "execute", "poll", "sign", "fail", "held_job"}
    expected: dict[str, set[str]] = {
        **dict.fromkeys(appenders, append),
        "project": stream | {"dynamodb:Query"},
        "relay": stream | append,
        "sweep": append,
        "redrive": append | {"dynamodb:GetRecords", "dynamodb:GetShardIterator"},
        "checkpoint": {"dynamodb:Query"},
    }
    assert acme.actions_on(name, events) == expected.get(name, set())


def test_whoever_counts_requests_or_charges_may_move_counters(acme: Stack) -> None:
    """Every authorised request is counted, and events that cost something move a counter in their transaction."""
    control, _ = acme.one("AWS::DynamoDB::Table", "StorageControl")
    movers = API | {"transpile", "execute", "poll", "fail", "sweep", "held_job"}
    assert {name for name in FUNCTIONS if "dynamodb:UpdateItem" in acme.actions_on(name, control)} >= movers


def test_only_the_account_makes_keys_over_the_api(acme: Stack) -> None:
    control, _ = acme.one("AWS::DynamoDB::Table", "StorageControl")
    putters = {name for name in API if "dynamodb:PutItem" in acme.actions_on(name, control)}
    assert putters == {"account"}


@pytest.mark.parametrize(
    ("kind", "prefix", "holders"),
    [
        ("AWS::SecretsManager::Secret", "StorageKeyPepper", {"account", "authorizer", "mint_key"}),
        (
            "AWS::SecretsManager::Secret",
            "StorageIonqApiKey",
            {"optimize", "jobs", "backends", "account", "execute", "poll", "held_job"},
        ),
        ("AWS::SecretsManager::Secret", "StorageClassicalSeed", {"sign"}),
    ],
)
def test_a_secret_is_open_to_those_who_need_it(acme: Stack, kind: str, prefix: str, holders: set[str]) -> None:
    secret, _ = acme.one(kind, prefix)
    assert {name for name in FUNCTIONS if acme.actions_on(name, secret)} == holders
    assert {name for name, (_, p) in acme.functions().items() if secret in references(p["Environment"])} == holders


@pytest.mark.parametrize(
    ("prefix", "setting", "holder"),
    [("RuntimeSigningKey", "QCOS_SIGNING_KEY_ARN", "sign"), ("RuntimeLogKey", "QCOS_LOG_KEY_ARN", "checkpoint")],
)
def test_a_key_is_used_by_one_function_and_under_a_name_that_can_be_switched(
    acme: Stack, prefix: str, setting: str, holder: str
) -> None:
    key, _ = acme.one("AWS::KMS::Key", prefix)
    ((alias, properties),) = (item for item in acme.of("AWS::KMS::Alias").items() if key in references(item[1]))
    assert properties["AliasName"] == {"sign": "alias/qcos-acme-evidence", "checkpoint": "alias/qcos-acme-log"}[holder]
    rights = {name: acme.actions_on(name, key) for name in FUNCTIONS}
    assert {name: found for name, found in rights.items() if found} == {holder: {"kms:GetPublicKey", "kms:Sign"}}
    naming = {name for name, (_, p) in acme.functions().items() if alias in references(p["Environment"])}
    assert naming == {holder}
    _, function = acme.functions()[holder]
    arn = function["Environment"]["Variables"][setting]["Fn::Join"][1]
    assert (arn[-2], arn[-1]) == (":", {"Ref": alias})


def test_what_is_called_every_few_minutes(acme: Stack) -> None:
    called = {
        json.dumps([target["Arn"] for target in rule["Targets"]]): rule["ScheduleExpression"]
        for rule in acme.of("AWS::Events::Rule").values()
    }
    assert called == {
        json.dumps([{"Fn::GetAtt": [acme.functions()[name][0], "Arn"]}]): f"rate({minutes} minutes)"
        for name, minutes in SCHEDULED.items()
    }
    # A run that takes its whole time has ended when the next begins.
    assert all(acme.functions()[name][1]["Timeout"] < 60 * minutes for name, minutes in SCHEDULED.items())


def test_parked_notes_are_read_by_redrive_alone(acme: Stack) -> None:
    parked, _ = acme.one("AWS::SQS::Queue", "StorageParked")
    rights = {name: acme.actions_on(name, parked) for name in set(FUNCTIONS) - READERS}
    assert {name: actions for name, actions in rights.items() if actions} == {
        "redrive": {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
    }
    assert acme.functions()["redrive"][1]["Timeout"] <= AGAIN_S


def test_checkpoints_are_made_every_few_minutes_and_when_evidence_asks(acme: Stack) -> None:
    function, _ = acme.functions()["checkpoint"]
    callers = {name for name in FUNCTIONS if "lambda:InvokeFunction" in acme.actions_on(name, function)}
    assert callers == {"evidence"}
    assert objects_of(acme, "checkpoint") == {("s3:GetObject", "/log/*"), ("s3:PutObject", "/log/*")}


def test_one_refusal_to_sign_the_log_wakes_somebody(acme: Stack) -> None:
    thresholds = {
        alarm["Dimensions"][0]["Value"]["Ref"]: alarm["Threshold"]
        for alarm in acme.of("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "Errors"
    }
    assert {name for name, (function, _) in acme.functions().items() if thresholds.get(function) == 1} == {"checkpoint"}


def test_relay_and_who_does_its_work_again_start_workflows_and_only_poll_resolves_waits(acme: Stack) -> None:
    machine, _ = acme.one("AWS::StepFunctions::StateMachine")
    rights = {name: {a for a in acme.actions_on(name, machine) if a.startswith("states:")} for name in FUNCTIONS}
    assert {name: actions for name, actions in rights.items() if actions} == {
        **{name: {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"} for name in DRIVERS},
        "poll": {"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"},
    }


def test_the_rights_on_the_machine_close_no_circle(acme: Stack) -> None:
    """The machine depends on the functions, which depend on their own policies: none of those may name the machine."""
    machine, _ = acme.one("AWS::StepFunctions::StateMachine")
    naming = {logical_id for logical_id, policy in acme.of("AWS::IAM::Policy").items() if machine in references(policy)}
    assert len(naming) == 2
    needed_by_functions = {
        dependency
        for logical_id, _ in acme.functions().values()
        for dependency in acme.resources[logical_id]["DependsOn"]
    }
    assert not naming & needed_by_functions


@pytest.mark.parametrize("prefix", ["StorageObjects", "StorageCheckpoints"])
def test_nobody_may_delete_an_object(acme: Stack, prefix: str) -> None:
    bucket, _ = acme.one("AWS::S3::Bucket", prefix)
    actions = set().union(*(acme.actions_on(name, bucket) for name in FUNCTIONS))
    assert actions == {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}


@pytest.mark.parametrize("reader", sorted(READERS))
def test_a_stream_reader_lives_with_poisoned_records(acme: Stack, reader: str) -> None:
    function, _ = acme.functions()[reader]
    events, _ = acme.one("AWS::DynamoDB::Table", "StorageEvents")
    parked, _ = acme.one("AWS::SQS::Queue", "StorageParked")
    (mapping,) = (
        m for m in acme.of("AWS::Lambda::EventSourceMapping").values() if m["FunctionName"] == {"Ref": function}
    )
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [events, "StreamArn"]}
    assert (mapping["BatchSize"], mapping["StartingPosition"]) == (100, "TRIM_HORIZON")
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] > 0
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": [parked, "Arn"]}}}
    assert "sqs:SendMessage" in acme.actions_on(reader, parked)


def test_the_stream_has_no_third_reader(acme: Stack) -> None:
    events, _ = acme.one("AWS::DynamoDB::Table", "StorageEvents")
    reading = [m for m in acme.of("AWS::Lambda::EventSourceMapping").values() if events in references(m)]
    assert len(reading) == 2


def test_poll_takes_messages_in_batches_and_returns_the_failed_ones(acme: Stack) -> None:
    function, _ = acme.functions()["poll"]
    poll, _ = acme.one("AWS::SQS::Queue", "StoragePoll0")
    (mapping,) = (m for m in acme.of("AWS::Lambda::EventSourceMapping").values() if poll in references(m))
    assert mapping["FunctionName"] == {"Ref": function}
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", sorted(OPERATED))
def test_what_operators_invoke_has_no_trigger(acme: Stack, name: str) -> None:
    function, _ = acme.functions()[name]
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Events::Rule"):
        assert not [p for p in acme.of(kind).values() if function in references(p)]


def test_every_function_and_queue_that_can_get_stuck_has_an_alarm(acme: Stack) -> None:
    alarms: list[dict[str, Any]] = list(acme.of("AWS::CloudWatch::Alarm").values())
    watched = {
        (alarm["MetricName"], *sorted(references(alarm["Dimensions"]))) for alarm in alarms if "MetricName" in alarm
    }
    for name, (logical_id, _) in acme.functions().items():
        # The authorizer fails whenever a key is bad: that must wake nobody.
        assert (("Errors", logical_id) in watched) == (name != "authorizer")
    for reader in READERS:
        assert ("IteratorAge", acme.functions()[reader][0]) in watched
    for queue in ("StoragePollDeadLetters", "StorageParked"):
        assert ("ApproximateNumberOfMessagesVisible", acme.one("AWS::SQS::Queue", queue)[0]) in watched
    machine, _ = acme.one("AWS::StepFunctions::StateMachine")
    assert ("ExecutionsFailed", machine) in watched
    swept = {
        alarm["MetricName"]: alarm["Threshold"]
        for alarm in alarms
        if alarm.get("Dimensions") == [{"Name": "service", "Value": "sweep"}]
    }
    assert swept == {"JobsGivenUp": 1, "PassedOver": 1}
    assert "5XXError" in {metric for metric, *_ in watched}
