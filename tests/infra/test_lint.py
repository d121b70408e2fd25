"""cfn-lint and cdk-nag have nothing to say but what is accepted here, with the reason."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.local import assembly

# Rule, resources (pattern over the construct path), why it stays.
ACCEPTED = [
    ("APIG2", r"Api/Rest/Resource", "requests are validated by the functions, which answer in the API's error shape"),
    ("APIG3", r"Api/Rest/DeploymentStage\.live/Resource", "a web ACL costs per tenant; the operator's choice"),
    (
        "APIG4",
        r"Api/Rest/Default/(health/|openapi\.json/|\.well-known/jwks\.json/|\{proxy\+\}/)?ANY/Resource",
        "health, contract, published keys and the 404 need no key",
    ),
    ("COG4", r"Api/Rest/Default/.*ANY/Resource", "callers are programs with API keys, checked by the authorizer"),
    ("DDB3", r"Storage/Views/Resource", "projections are rebuilt from the log"),
    ("IAM4", r"Api/Rest/CloudWatchRole/Resource", "the account-wide role with which API Gateway writes its logs"),
    (
        "IAM5",
        r"Runtime/\w+Role/DefaultPolicy/Resource",
        "object names are digests under a prefix, and X-Ray and ListStreams know no resources; "
        "test_functions says which wildcard each function may have",
    ),
    ("IAM5", r"Runtime/RelayDrivesWorkflows/Resource", "an execution's name is its job's, under the machine's own ARN"),
    ("IAM5", r"Workflow/Role/DefaultPolicy/Resource", "log delivery and X-Ray know no resources"),
    ("L1", r"Runtime/\w+/Resource", "python3.13 is what the dependencies' wheels are locked and tested for"),
    (
        "S1",
        r"Storage/(Objects|Checkpoints)/Resource",
        "access is by the functions' roles only; CloudTrail records it if wanted",
    ),
    ("SF1", r"Workflow/Machine/Resource", "errors are logged; every step is in the event log and the history anyway"),
    ("SMG4", r"Storage/(KeyPepper|ClassicalSeed)/Resource", "rotation would void all keys, or orphan a public key"),
    ("SMG4", r"Storage/IonqApiKey/Resource", "IonQ offers no way to rotate a key by program"),
    ("SQS3", r"Storage/Parked/Resource", "it is where records that failed end up"),
]


def test_cfn_lint_accepts_both_templates() -> None:
    folder = assembly.load()[0].folder
    templates = [str(path) for path in sorted(folder.glob("*.template.json"))]
    assert len(templates) == 2
    # W3005: CDK states some dependencies twice.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--template", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_cdk_nag_objects_to_what_is_accepted_and_to_all_of_it(tmp_path: Path) -> None:
    found = _findings(tmp_path)
    assert not [
        (rule, resource)
        for rule, resource in found
        if not any(rule == known and re.fullmatch(pattern, resource) for known, pattern, _ in ACCEPTED)
    ]
    assert not [
        (known, pattern)
        for known, pattern, _ in ACCEPTED
        if not any(rule == known and re.fullmatch(pattern, resource) for rule, resource in found)
    ]


def _findings(folder: Path) -> list[tuple[str, str]]:
    """Rule and construct path of everything cdk-nag objects to in one tenant's stack."""
    environment = os.environ | {
        "CDK_OUTDIR": str(folder),
        "PATH": os.pathsep.join(filter(None, (assembly.node_folder(), os.environ.get("PATH", "")))),
    }
    command = [sys.executable, str(Path(__file__).with_name("nag.py"))]
    subprocess.run(command, cwd=assembly.ROOT, env=environment, check=True, capture_output=True)
    return list(_non_compliant(folder))


def _non_compliant(folder: Path) -> Iterator[tuple[str, str]]:
    (report,) = folder.glob("AwsSolutions-*-NagReport.csv")
    with report.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert any(row["Compliance"] == "Compliant" for row in rows)
    for row in rows:
        if row["Compliance"] != "Compliant":
            yield row["Rule ID"].removeprefix("AwsSolutions-"), row["Resource ID"].removeprefix("Qcos-acme/")
