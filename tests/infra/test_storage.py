"""Tables, bucket, queues and secrets keep what they are given."""

from __future__ import annotations

from typing import Any

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


def test_the_bucket_is_private_versioned_and_encrypted(acme: Stack) -> None:
    logical_id, bucket = acme.one("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert acme.resources[logical_id]["DeletionPolicy"] == "Retain"
    _, policy = acme.one("AWS::S3::BucketPolicy")
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


def test_the_signing_key_is_ml_dsa_and_only_sign_may_use_it(acme: Stack) -> None:
    logical_id, key = acme.one("AWS::KMS::Key")
    assert acme.resources[logical_id]["DeletionPolicy"] == "Retain"
    assert (key["KeySpec"], key["KeyUsage"]) == ("ML_DSA_65", "SIGN_VERIFY")
    _, sign = acme.functions()["sign"]
    allowed = [s for s in key["KeyPolicy"]["Statement"] if "kms:Sign" in s["Action"]]
    assert [statement["Principal"] for statement in allowed] == [{"AWS": sign["Role"]}]
