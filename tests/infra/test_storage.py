"""Tables, bucket, queues and secrets keep what they are given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.template import Stack


def key_schema(properties: dict[str, Any]) -> list[tuple[str, str]]:
    kinds = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in properties["AttributeDefinitions"]}
    return [(part["AttributeName"], kinds[part["AttributeName"]]) for part in properties["KeySchema"]]


def test_the_log_is_kept_whatever_happens_to_the_stack(acme: Stack) -> None:
    logical_id, events = acme.one("AWS::DynamoDB::Table", "StorageEvents")
    assert key_schema(events) == [("pk", "S"), ("sk", "N")]
    assert events["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert events["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert events["DeletionProtectionEnabled"] is True
    assert events["BillingMode"] == "PAY_PER_REQUEST"
    assert "TimeToLiveSpecification" not in events
    assert acme.resources[logical_id]["DeletionPolicy"] == "Retain"
    assert acme.resources[logical_id]["UpdateReplacePolicy"] == "Retain"


def test_views_have_their_two_indexes_and_feed_no_stream(acme: Stack) -> None:
    _, views = acme.one("AWS::DynamoDB::Table", "StorageViews")
    assert key_schema(views) == [("pk", "S"), ("sk", "S")]
    assert "StreamSpecification" not in views
    indexes = {
        index["IndexName"]: ([part["AttributeName"] for part in index["KeySchema"]], index["Projection"])
        for index in views["GlobalSecondaryIndexes"]
    }
    everything = {"ProjectionType": "ALL"}
    assert indexes == {
        "by_created": (["gsi1pk", "gsi1sk"], everything),
        "by_status": (["gsi2pk", "gsi2sk"], everything),
    }


def test_control_rows_expire_by_themselves(acme: Stack) -> None:
    _, control = acme.one("AWS::DynamoDB::Table", "StorageControl")
    assert key_schema(control) == [("pk", "S"), ("sk", "S")]
    assert control["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize("prefix", ["StorageObjects", "StorageCheckpoints"])
def test_a_bucket_is_private_versioned_and_encrypted(acme: Stack, prefix: str) -> None:
    logical_id, bucket = acme.one("AWS::S3::Bucket", prefix)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert acme.resources[logical_id]["DeletionPolicy"] == "Retain"
    _, policy = acme.one("AWS::S3::BucketPolicy", prefix)
    denials = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [denial["Condition"] for denial in denials]


def test_a_message_is_tried_five_times_and_never_handed_out_twice_meanwhile(acme: Stack) -> None:
    _, poll = acme.one("AWS::SQS::Queue", "StoragePoll0")
    dead_letters, _ = acme.one("AWS::SQS::Queue", "StoragePollDeadLetters")
    assert poll["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 5,
    }
    _, function = acme.functions()["poll"]
    assert poll["VisibilityTimeout"] > 6 * function["Timeout"]


def test_a_checkpoint_is_locked_for_ten_years_whoever_asks(acme: Stack) -> None:
    _, bucket = acme.one("AWS::S3::Bucket", "StorageCheckpoints")
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3653}},
    }
    assert "LifecycleConfiguration" not in bucket
    _, objects = acme.one("AWS::S3::Bucket", "StorageObjects")
    assert "ObjectLockEnabled" not in objects


@pytest.mark.parametrize(
    ("prefix", "spec", "signer"),
    [("RuntimeSigningKey", "ML_DSA_65", "sign"), ("RuntimeLogKey", "ML_DSA_44", "checkpoint")],
)
def test_a_signing_key_is_ml_dsa_and_only_its_signer_may_use_it(
    acme: Stack, prefix: str, spec: str, signer: str
) -> None:
    logical_id, key = acme.one("AWS::KMS::Key", prefix)
    assert acme.resources[logical_id]["DeletionPolicy"] == "Retain"
    assert (key["KeySpec"], key["KeyUsage"]) == (spec, "SIGN_VERIFY")
    _, function = acme.functions()[signer]
    allowed = [s for s in key["KeyPolicy"]["Statement"] if "kms:Sign" in s["Action"]]
    assert [statement["Principal"] for statement in allowed] == [{"AWS": function["Role"]}]
