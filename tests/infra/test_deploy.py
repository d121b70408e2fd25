"""Deploying to a real emulator: functions run, exceptions keep their names, failures name the resource."""

from __future__ import annotations

import base64
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pqcrypto.sign import ml_dsa_44, ml_dsa_65  # type: ignore[import-untyped]  # ships no types

from infra.local import launcher
from infra.local.assembly import ROOT, Asset
from infra.local.deploy import Deployer, DeploymentFailed, key_pair, zipped
from infra.local.processes import Child, ChildFailed, clean_environment, scratch_folder, wait_for

REGION = "eu-west-1"

HANDLER = '''
import os

class Odd(Exception):
    """An exception with a name of its own."""

def handler(event, context):
    print("called", flush=True)
    if event.get("raise"):
        raise Odd("on purpose")
    if event.get("warm"):
        return {"warm": True}
    return {"pid": os.getpid(), "environment": dict(os.environ), "event": event, "file": __file__}
'''


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    folder = tmp_path_factory.mktemp("emulator")
    scratch = scratch_folder(folder, "aws")
    port = launcher.free_port()
    os.environ["NOT_FOR_FUNCTIONS"] = "secret"
    try:
        settings = launcher.environment(port=port, region=REGION)
        child = Child("infra.local.launcher", [], clean_environment(scratch) | settings, scratch)
    finally:
        del os.environ["NOT_FOR_FUNCTIONS"]
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(endpoint), child, 60)
        yield Deployer(endpoint, REGION)
    finally:
        child.stop()
    wait_until_none(child.pid)
    assert not list(folder.iterdir())


def answers(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/_ministack/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def wait_until_none(group: int) -> None:
    """The killed are gone a moment after they were killed: whoever adopts them has to notice."""
    for _ in range(100):
        left = [process for process in Path("/proc").glob("[0-9]*") if lives_in(process, group)]
        if not left:
            return
        time.sleep(0.05)
    pytest.fail(f"still there: {left}")


def lives_in(process: Path, group: int) -> bool:
    """Whether a process belongs to a process group and is more than its own exit code."""
    try:
        state, _, found, *_ = process.joinpath("stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return int(found) == group and state != "Z"


def template(handler: str) -> dict[str, Any]:
    """A function with a layer, as CDK writes them."""
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": handler,
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"S3Bucket": {"Fn::Sub": "assets-${AWS::AccountId}"}, "S3Key": "code.zip"},
                },
            },
        },
        "Outputs": {"Name": {"Value": {"Ref": "Function"}}},
    }


@pytest.fixture(scope="module")
def function(deployer: Deployer, tmp_path_factory: pytest.TempPathFactory) -> str:
    source = tmp_path_factory.mktemp("code")
    (source / "odd.py").write_text(HANDLER, encoding="utf-8")
    (source / "broken.py").write_text("import no_such_module\n", encoding="utf-8")
    deployer.publish([Asset(source=source, bucket="assets-${AWS::AccountId}", key="code.zip")])
    return deployer.create("Odd", template("odd.handler"), {})["Name"]


def invoke(deployer: Deployer, function: str, event: dict[str, Any]) -> tuple[bool, Any]:
    answer = deployer.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return "FunctionError" in answer, json.loads(answer["Payload"].read())


@pytest.mark.ministack
def test_an_exception_keeps_its_name_and_the_worker_its_life(deployer: Deployer, function: str) -> None:
    failed, before = invoke(deployer, function, {})
    assert not failed
    failed, error = invoke(deployer, function, {"raise": True})
    assert failed
    assert (error["errorType"], error["errorMessage"]) == ("Odd", "on purpose")
    _, after = invoke(deployer, function, {})
    assert before["pid"] == after["pid"]


@pytest.mark.ministack
def test_functions_see_nothing_of_the_callers_environment(deployer: Deployer, function: str) -> None:
    _, seen = invoke(deployer, function, {})
    assert "NOT_FOR_FUNCTIONS" not in seen["environment"]
    assert seen["environment"]["AWS_REGION"] == REGION
    assert seen["environment"]["HOME"] == seen["environment"]["TMPDIR"]
    assert seen["file"].startswith(seen["environment"]["TMPDIR"])


@pytest.mark.ministack
def test_the_functions_of_a_stack_are_found_and_warmed(deployer: Deployer, function: str) -> None:
    assert deployer.functions_of("Odd") == [function]
    deployer.warm([function])


@pytest.mark.ministack
def test_a_function_that_does_not_start_says_why(deployer: Deployer, function: str) -> None:
    name = deployer.create("Broken", template("broken.handler"), {})["Name"]
    with pytest.raises(DeploymentFailed, match="no_such_module"):
        deployer.warm([name])


@pytest.mark.ministack
def test_a_failed_deployment_names_the_resource(deployer: Deployer) -> None:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "ML_DSA_65", "KeyUsage": "SIGN_VERIFY"}}
    with pytest.raises(DeploymentFailed, match=r"Signer \(AWS::KMS::Key\): .*ML_DSA_65"):
        deployer.create("Refused", {"Resources": {"Signer": key}}, {})


@pytest.mark.ministack
def test_a_secret_is_known_by_its_arn_and_takes_a_key_pair(deployer: Deployer) -> None:
    """The gap that the rewrite "secrets by ARN" is for, and the way around it."""
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}}
    outputs = {"Ref": {"Value": {"Ref": "Pair"}}, "Id": {"Value": {"Fn::GetAtt": ["Pair", "Id"]}}}
    created = deployer.create("Secret", {"Resources": {"Pair": secret}, "Outputs": outputs}, {})
    assert not created["Ref"].startswith("arn:")
    assert created["Id"].startswith(f"arn:aws:secretsmanager:{REGION}:")
    deployer.put_secret(created["Id"], key_pair("ML-DSA-65"))
    text = deployer.client("secretsmanager").get_secret_value(SecretId=created["Id"])["SecretString"]
    assert json.loads(text)["algorithm"] == "ML-DSA-65"


@pytest.mark.parametrize(("algorithm", "library"), [("ML-DSA-65", ml_dsa_65), ("ML-DSA-44", ml_dsa_44)])
def test_a_key_pair_signs(algorithm: str, library: Any) -> None:
    pair = json.loads(key_pair(algorithm))
    public, secret = base64.b64decode(pair["public"]), base64.b64decode(pair["secret"])
    signature = library.sign(secret, b"message")
    library.verify(public, b"message", signature)  # raises when it does not hold
    with pytest.raises(ValueError, match="verif"):
        library.verify(public, b"another", signature)
    assert (pair["algorithm"], json.loads(key_pair(algorithm)) == pair) == (algorithm, False)


@pytest.mark.ministack
def test_a_bucket_is_locked_as_the_template_says(deployer: Deployer) -> None:
    """The emulator's CloudFormation makes the bucket and forgets the lock."""
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3653}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": lock,
        },
    }
    stack = {"Resources": {"Locked": bucket}, "Outputs": {"Name": {"Value": {"Ref": "Locked"}}}}
    name = deployer.create("Locked", stack, {})["Name"]
    s3 = deployer.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="ObjectLockConfigurationNotFound"):
        s3.get_object_lock_configuration(Bucket=name)
    deployer.lock(name, stack)
    version = s3.put_object(Bucket=name, Key="a", Body=b"a")["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=name, Key="a", VersionId=version)


def test_handlers_are_zipped_under_functions_and_layers_as_they_lie() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(ROOT / "functions"))) as archive:
        names = set(archive.namelist())
    assert {"functions/__init__.py", "functions/api/optimize.py"} <= names
    assert all(name.startswith("functions/") for name in names)
    with zipfile.ZipFile(io.BytesIO(zipped(ROOT / "layers" / "core"))) as archive:
        names = set(archive.namelist())
    assert "python/qcos/errors.py" in names
    modules = {name for name in names if name.endswith(".py")}
    compiled = {name for name in names if name.endswith(".pyc")}
    assert len(compiled) == len(modules)


def test_a_child_that_ends_says_what_it_said(tmp_path: Path) -> None:
    scratch = scratch_folder(tmp_path, "child")
    child = Child("no_such_module_at_all", [], clean_environment(scratch), scratch)
    try:
        with pytest.raises(ChildFailed, match="no_such_module_at_all"):
            wait_for(lambda: False, child, 60)
    finally:
        child.stop()
    assert not list(tmp_path.iterdir())
