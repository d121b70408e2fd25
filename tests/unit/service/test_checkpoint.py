"""Checkpoints: made when the log grew, whoever races; never of a log that is not the one that was signed before."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from qcos.adapters.custody import LogCustody
from qcos.errors import CheckpointNotFound, NotLogged, Unavailable
from qcos.service.checkpoint import LogChanged
from qcos_evidence import KeyPair, KeySet, NotShown, transparency
from tests.unit.service.world import TENANT, World


def opened(world: World, text: str) -> transparency.Checkpoint:
    return transparency.open_checkpoint(text, KeySet.from_jwks(world.desk.jwks()))


def test_a_checkpoint_is_made_when_the_log_grew_and_only_then(world: World) -> None:
    assert world.checkpoint(TENANT) == {"size": 0}
    assert world.control.signing_keys() == []
    sizes = []
    for _ in range(3):
        world.signed()
        sizes += [world.checkpoint(TENANT)["size"] for _ in range(2)]
    assert sizes == [1, 1, 2, 2, 3, 3]
    assert [size for _, size in sorted(world.checkpoints.archived)] == [1, 2, 3]
    _, latest = world.checkpoints.latest(TENANT) or (0, "")
    checkpoint = opened(world, latest)
    assert (checkpoint.origin, checkpoint.size, checkpoint.at) == ("qcos.test/tenants/acme", 3, world.clock())


def test_every_signed_bundle_is_logged_once_however_often_its_event_comes(world: World) -> None:
    bundles = [world.signed(pqc=pqc) for pqc in (True, False, True)]
    story = [event for _, stream in world.events._streams.items() for event in stream.values()]
    world.relay(story)
    world.relay(list(reversed(story)))
    assert [world.transparency_log.index_of(TENANT, one) for one in bundles] == [0, 1, 2]
    assert world.transparency_log.size(TENANT) == 3


def test_what_was_signed_before_there_was_a_log_is_passed_over(world: World) -> None:
    world.signed(logged=False)
    for stream in world.events._streams.values():
        for event in stream.values():
            event.__dict__["data"] = event.data.model_copy(update={"log_entry": None})
        world.relay(list(stream.values()))
    assert world.transparency_log.size(TENANT) == 0


def test_functions_that_race_publish_a_growing_sequence(world: World) -> None:
    """Eight copies, each of which saw another size of the log: what is published is never less than before."""
    for number in range(8):
        world.transparency_log.append(TENANT, f"ev_{number}", f"{number}".encode())
    published: list[int] = []
    publish = world.checkpoints.publish
    barrier = Barrier(8)

    class Seen:
        """The log as one copy saw it: before the entries that came while it was signing."""

        def __init__(self, size: int) -> None:
            self._size = size

        def size(self, tenant: str) -> int:
            return self._size

        def __getattr__(self, name: str) -> Any:
            return getattr(world.transparency_log, name)

    def late(tenant: str, size: int, text: str) -> bool:
        done = publish(tenant, size, text)
        if done:
            published.append(size)
        return done

    world.checkpoints.publish = late  # type: ignore[method-assign] # watched
    world.compose()

    def run(size: int) -> None:
        use_case = type(world.checkpoint)(**{**vars(world.checkpoint), "log": Seen(size)})
        barrier.wait()
        try:
            use_case(TENANT)
        except LogChanged:
            assert (world.checkpoints.latest(TENANT) or (0, ""))[0] > size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(1, 9)))
    assert published[-1] == 8
    assert {size for _, size in world.checkpoints.archived} == set(published)


def test_nothing_is_signed_of_a_log_that_shrank_or_was_rewritten(world: World) -> None:
    for _ in range(3):
        world.signed()
    world.checkpoint(TENANT)
    entries = world.transparency_log._logs[TENANT]
    before = dict(world.checkpoints.archived)
    # A copy of the function that has read nothing yet, as after a night without work.
    kept = dict(entries)
    entries.popitem()
    world.compose()
    with pytest.raises(LogChanged, match="2 entries, 3"):
        world.checkpoint(TENANT)
    entries.clear()
    entries.update({name: entry.replace(b"sha3-256:", b"sha3-256:0") for name, entry in kept.items()})
    world.signed()
    with pytest.raises(LogChanged, match="first 3 entries"):
        world.checkpoint(TENANT)
    assert world.checkpoints.archived == before


def test_a_reader_asks_for_a_checkpoint_only_if_the_log_grew(world: World) -> None:
    asked: list[None] = []
    request = world.request_checkpoint
    world.request_checkpoint = lambda: (asked.append(None), request())[1]  # type: ignore[method-assign,func-returns-value] # watched
    with pytest.raises(CheckpointNotFound):
        world.transparency.latest(TENANT)
    assert asked == []
    first = world.signed()
    for _ in range(3):
        world.transparency.proof(TENANT, first)
        world.transparency.latest(TENANT)
    assert len(asked) == 1
    second = world.signed()
    world.transparency.latest(TENANT)
    world.transparency.proof(TENANT, second)
    assert len(asked) == 2


def test_a_checkpoint_that_cannot_be_made_is_asked_for_again_later(world: World) -> None:
    bundle = world.signed()
    world.request_checkpoint = lambda: None  # type: ignore[method-assign] # the function does nothing
    for ask in (lambda: world.transparency.latest(TENANT), lambda: world.transparency.proof(TENANT, bundle)):
        with pytest.raises(Unavailable):
            ask()
    early = world.signed(logged=False)
    with pytest.raises(NotLogged):
        world.transparency.proof(TENANT, early)


def test_proofs_under_a_revoked_log_key_are_replaced_once_another_has_signed(world: World) -> None:
    bundle = world.signed()
    old = world.transparency.proof(TENANT, bundle)
    (kid,) = (key["kid"] for key in world.signing_keys.all() if key["alg"] == "ML-DSA-44")
    world.signing_keys.revoke(kid)
    entry = world.transparency_log.entries(TENANT, 0, 1)[0]
    keys = KeySet.from_jwks(world.desk.jwks())
    with pytest.raises(NotShown, match="revoked"):
        transparency.check_inclusion(old, entry, keys)
    world.signed()
    with pytest.raises(RuntimeError, match="switch to another"):
        world.checkpoint(TENANT)
    pair = KeyPair.generate("ML-DSA-44")
    world.log_custody = LogCustody(lambda: pair)
    world.compose()
    new = world.transparency.proof(TENANT, bundle)
    keys = KeySet.from_jwks(world.desk.jwks())
    assert transparency.check_inclusion(new, entry, keys).size == 2


def test_the_function(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    function = importlib.import_module("functions.schedule.checkpoint")
    monkeypatch.setattr(function, "checkpoint", lambda: world.checkpoint)
    monkeypatch.setenv("QCOS_TENANT", TENANT)
    world.signed()
    scheduled = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    assert function.handler.__wrapped__(scheduled, None) == {"size": 1}
    assert function.handler.__wrapped__({}, None) == {"size": 1}
