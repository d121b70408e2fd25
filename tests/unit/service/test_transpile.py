"""The transpile step: its time, what it stores, and what a second try of it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qcos.plans import EVALUATIONS
from qcos.service.transpile import SECONDS
from tests.unit.service.test_lifecycle import used
from tests.unit.service.world import CALLER, TENANT, Crash, World, bell_report, submission


@pytest.mark.parametrize("level", sorted(EVALUATIONS))
def test_every_level_has_its_own_time(world: World, level: int) -> None:
    given: list[tuple[int, float]] = []

    def optimize(qasm: str, target: str, level: int, **limits: Any) -> dict[str, Any]:
        given.append((level, limits["seconds"]))
        return bell_report(qasm, target, level, **limits)

    world.optimize = optimize
    wanted = submission()
    options = wanted.options.model_copy(update={"optimization_level": level})
    job_id = world.submit(CALLER, wanted.model_copy(update={"options": options})).job_id
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert given == [(level, SECONDS[level])]
    assert SECONDS[3] == max(SECONDS.values()) > SECONDS[2]


@pytest.mark.parametrize("complete", [True, False])
def test_the_stored_report_says_whether_the_clock_ended_the_search(world: World, complete: bool) -> None:
    world.optimize = lambda *args, **limits: bell_report(*args, **limits) | {"search_complete": complete}
    optimized = world.job(world.optimized()).optimized
    assert optimized is not None
    assert json.loads(world.objects.get_checked(optimized.report))["search_complete"] is complete


def test_a_try_that_died_with_its_answer_is_made_again_and_charged_once(world: World) -> None:
    def die(*args: Any, **limits: Any) -> dict[str, Any]:
        raise Crash

    world.optimize = die
    job_id = world.submitted()
    charged = used(world)
    with pytest.raises(Crash):
        world.transpile(TENANT, job_id, 1)
    world.optimize = bell_report
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.types(job_id) == ["JobSubmitted", "TranspileStarted", "CircuitOptimized"]
    assert used(world) == charged


def test_of_a_try_and_its_late_forerunner_the_first_answer_counts(world: World) -> None:
    """The workflow gave the first try up, began another, and the first comes to its end even so."""

    def overtaken(*args: Any, **limits: Any) -> dict[str, Any]:
        world.optimize = bell_report
        assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
        return bell_report(*args, **limits) | {"seconds": 800.0, "strategy": "late"}

    world.optimize = overtaken
    job_id = world.submitted()
    charged = used(world)
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.types(job_id) == ["JobSubmitted", "TranspileStarted", "CircuitOptimized"]
    optimized = world.job(job_id).optimized
    assert optimized is not None
    assert optimized.strategy == "level0"
    assert used(world) == charged


def test_a_job_that_was_cancelled_during_the_search_stays_so_and_gets_its_price_back(world: World) -> None:
    def cancelled(*args: Any, **limits: Any) -> dict[str, Any]:
        world.lifecycle.cancel(CALLER, job_id)
        return bell_report(*args, **limits)

    world.optimize = cancelled
    job_id = world.submitted()
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.types(job_id) == ["JobSubmitted", "TranspileStarted", "JobCancelled"]
    assert used(world) == 0
