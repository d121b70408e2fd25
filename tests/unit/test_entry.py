"""What functions that are not HTTP handlers have around them."""

from __future__ import annotations

import json

import pytest

from qcos.entry import counted


def test_counts_become_metrics_of_the_function(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "sweep")
    assert counted({"waits_sent": 2, "jobs_given_up": 0}) == {"waits_sent": 2, "jobs_given_up": 0}
    written = json.loads(capsys.readouterr().out)
    [metrics] = written["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("qcos", [["service"]])
    assert {metric["Name"] for metric in metrics["Metrics"]} == {"WaitsSent", "JobsGivenUp"}
    assert (written["WaitsSent"], written["JobsGivenUp"], written["service"]) == ([2.0], [0.0], "sweep")
