"""Puts a localised stack on the emulator the way a deployment does on AWS: publish assets, create the stack, wait.

Then does what an operator does once per tenant: stores the IonQ key and the signing key pairs, and makes an API key.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import py_compile
import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from pqcrypto.sign import ml_dsa_44, ml_dsa_65

from infra.local.assembly import ROOT, Asset
from infra.local.localise import Template

ACCOUNT = "000000000000"
# CloudFormation takes a template of this size by value, a larger one from a bucket.
_BY_VALUE = 51_200

SCOPES = ("optimize:read", "optimize:write", "backends:read", "evidence:read", "evidence:write", "admin")


class DeploymentFailed(Exception):
    """The stack could not be created; the message names the first resource that failed, and why."""


class Deployer:
    """Deploys to the emulator at ``endpoint`` (its base URL) in one region."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name=region,  # the emulator takes any
        )
        self._region = region

    def client(self, service: str) -> Any:
        """A boto3 client for the emulator."""
        # A cold start on a busy machine takes seconds; a repeated create would fail where the first succeeded.
        config = Config(read_timeout=180, retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
        return self._session.client(service, endpoint_url=self._endpoint, config=config)

    def publish(self, assets: Iterable[Asset]) -> None:
        """Zip each asset's source as it is now and put it where the template looks for it."""
        s3 = self.client("s3")
        buckets = set()
        for asset in assets:
            bucket = asset.bucket.replace("${AWS::AccountId}", ACCOUNT)
            if bucket not in buckets:
                self._create_bucket(s3, bucket)
                buckets.add(bucket)
            s3.put_object(Bucket=bucket, Key=asset.key, Body=zipped(asset.source))

    def _create_bucket(self, s3: Any, bucket: str) -> None:
        if self._region == "us-east-1":  # S3's only region that must not be named
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self._region})

    def create(self, stack: str, template: Template, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create the stack and return its outputs; ``DeploymentFailed`` when it does not come up."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
            **self._body(stack, template),
        )
        while True:
            (state,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            status = state["StackStatus"]
            if status == "CREATE_COMPLETE":
                return {output["OutputKey"]: output["OutputValue"] for output in state.get("Outputs", [])}
            if status != "CREATE_IN_PROGRESS":
                raise DeploymentFailed(f"{stack}: {status}: {self._first_failure(cloudformation, stack)}")
            time.sleep(0.1)

    def _body(self, stack: str, template: Template) -> dict[str, str]:
        text = json.dumps(template, separators=(",", ":"))
        if len(text.encode()) <= _BY_VALUE:
            return {"TemplateBody": text}
        s3 = self.client("s3")
        bucket, key = f"cdk-hnb659fds-assets-{ACCOUNT}-{self._region}", f"{stack}.template.json"
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return {"TemplateURL": f"{self._endpoint}/{bucket}/{key}"}

    @staticmethod
    def _first_failure(cloudformation: Any, stack: str) -> str:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        if not failed:
            return "no resource gave a reason"
        first = failed[-1]  # the newest event comes first
        return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', '')}"

    def put_secret(self, arn: str, value: str) -> None:
        """Store a secret's value, as an operator would."""
        self.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)

    def lock(self, bucket: str, template: Template) -> None:
        """Lock a bucket as the template says, which the emulator's CloudFormation passes over in silence."""
        (locked,) = (
            resource["Properties"]["ObjectLockConfiguration"]
            for resource in template["Resources"].values()
            if "ObjectLockConfiguration" in resource.get("Properties", {})
        )
        self.client("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=locked)

    def warm(self, functions: Iterable[str]) -> None:
        """Start each function and let it build what it needs; ``DeploymentFailed`` when one cannot.

        Functions answer the event ``{"warm": true}`` without doing anything else.
        """
        client = self.client("lambda")

        def start(name: str) -> None:
            answer = client.invoke(FunctionName=name, Payload=b'{"warm": true}')
            if "FunctionError" in answer:
                detail = json.loads(answer["Payload"].read())
                raise DeploymentFailed(f"{name} does not start: {detail.get('errorMessage')}")

        # Importing is processor time: more at once than there are processors only makes each one slower.
        pool = ThreadPoolExecutor(max_workers=2)
        try:
            for _ in pool.map(start, functions):
                pass
        finally:
            # Whoever is told to stop meanwhile must not wait for what has not begun.
            pool.shutdown(wait=False, cancel_futures=True)

    def functions_of(self, stack: str) -> list[str]:
        """The names of all functions of a stack."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return [
            resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
        ]

    def mint_key(self, function: str) -> str:
        """An API key with every scope, made by the function operators use."""
        payload = {"name": "local", "scopes": list(SCOPES)}
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DeploymentFailed(f"no API key could be made: {body.get('errorMessage')}")
        return str(body["api_key"])


def key_pair(algorithm: str) -> str:
    """A fresh key pair (ML-DSA-65 or -44) as its secret holds it: ``{"algorithm", "public", "secret"}``, in base64."""
    public, secret = {"ML-DSA-65": ml_dsa_65, "ML-DSA-44": ml_dsa_44}[algorithm].keygen()
    return json.dumps(
        {
            "algorithm": algorithm,
            "public": base64.b64encode(public).decode(),
            "secret": base64.b64encode(secret).decode(),
        }
    )


def zipped(source: Path) -> bytes:
    """A zip of a folder's files; handlers sit under ``functions/`` in it, as their bundle on AWS has them.

    Bytecode goes with each module, or every function that starts would compile all of it again.
    """
    prefix = Path("functions") if source == ROOT / "functions" else Path()
    buffer = io.BytesIO()
    # Stored, not deflated: it is unpacked on the same machine a moment later.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive, tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "compiled"
        for file in sorted(source.rglob("*")):
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            place = prefix / file.relative_to(source)
            archive.write(file, place)
            if file.suffix == ".py":
                py_compile.compile(
                    str(file),
                    cfile=str(compiled),
                    dfile=str(place),
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                    doraise=True,
                )
                archive.write(compiled, importlib.util.cache_from_source(str(place)))
    return buffer.getvalue()
