"""Reading a job list from its index: newest first, and never more than a bounded number of rows.

One index partition between two places is a lane; a list of several statuses merges one lane a status. A row that a
condition leaves out is read all the same, so a lane with a condition stops at a bound and tells where it did: the
list is then whole down to that place, and a cursor goes on from there.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qcos.adapters.dynamo import Attributes, string
from qcos.adapters.wire import HIGHEST, MAX_COUNTED

PAGE = 1_000
"""Rows asked for at a time."""
PLACE = "gsi1sk"
"""The attribute by which rows are ordered; each index's own sort key has the same value."""


class Lane:
    """One partition of a list index, read on demand by ``request``, a Query with its key condition.

    ``bound`` is how many rows it may examine, None while only a page's own length bounds it. ``matched`` rows met
    the request's condition so far, of ``examined``. ``cut`` is the place of the oldest row examined where reading
    stopped although older rows are there; None while it has not.
    """

    def __init__(self, client: Any, request: Mapping[str, Any], sort_key: str, bound: int | None) -> None:
        self._client = client
        self._request: dict[str, Any] = {**request, "ScanIndexForward": False}
        self._sort_key = sort_key
        self._bound = bound
        self._ended = False
        self.examined = self.matched = 0
        self.cut: str | None = None

    def skip(self, rows: int) -> None:
        """Pass over at most ``rows`` matches of which nothing is sent back, in whole steps of :data:`PAGE`."""
        while self.matched + PAGE <= rows and (room := self._room(PAGE)):
            self._query(room, Select="COUNT")

    def items(self, rows: int) -> Iterator[Attributes]:
        """Matches, newest first, to the bound; without one, only the next ``rows``."""
        end = self.examined + rows if self._bound is None else self._bound
        while room := self._room(end - self.examined):
            yield from self._query(room)["Items"]
        if self._bound is not None:
            self._stop()

    def count(self, rows: int) -> None:
        """Count on through at most ``rows`` rows."""
        end = self.examined + rows
        while room := self._room(end - self.examined):
            self._query(room, Select="COUNT")
        self._stop()

    def _room(self, rows: int) -> int:
        """How many of ``rows`` may be examined next."""
        if self._ended:
            return 0
        return max(0, min(rows, PAGE, PAGE if self._bound is None else self._bound - self.examined))

    def _query(self, rows: int, **select: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.query(**self._request, **select, Limit=rows)
        self.examined += int(answer["ScannedCount"])
        self.matched += int(answer["Count"])
        if answer.get("LastEvaluatedKey"):
            self._request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        else:
            self._ended = True
        return answer

    def _stop(self) -> None:
        """Note where reading stopped, unless nothing is left: a last key is named at the very end, too."""
        if self._ended or self.cut is not None:
            return
        probe = self._client.query(**self._request, Select="COUNT", Limit=1)
        if probe["ScannedCount"]:
            last = self._request.get("ExclusiveStartKey")
            self.cut = string(last, self._sort_key) if last else HIGHEST
        else:
            self._ended = True


def read_page(lanes: Sequence[Lane], limit: int, offset: int) -> tuple[list[Attributes], str | None]:
    """The merged lanes' matches ``offset`` to ``offset + limit``, and the place after which a list goes on.

    The place is None when nothing follows.
    """
    if len(lanes) == 1:
        lanes[0].skip(offset)
        offset -= lanes[0].matched
    wanted = offset + limit + 1  # one more tells whether the list goes on
    found: list[Attributes] = []
    for item in heapq.merge(*(lane.items(wanted) for lane in lanes), key=_place, reverse=True):
        if _place(item) < _whole_down_to(lanes):
            break
        found.append(item)
        if len(found) == wanted:
            return found[offset:-1], _place(found[-2])
    return found[offset:], _whole_down_to(lanes) or None


def count(lanes: Sequence[Lane]) -> tuple[int, bool]:
    """How many rows of all lanes meet their condition, and whether there may be more than were counted."""
    for lane in lanes:
        lane.count(max(0, MAX_COUNTED - sum(other.examined for other in lanes)))
    total = sum(lane.matched for lane in lanes)
    return min(total, MAX_COUNTED), total > MAX_COUNTED or any(lane.cut is not None for lane in lanes)


def _whole_down_to(lanes: Sequence[Lane]) -> str:
    """The place down to which the merged lanes lack no row; empty when that is their end."""
    return max((lane.cut for lane in lanes if lane.cut is not None), default="")


def _place(item: Attributes) -> str:
    return string(item, PLACE)
