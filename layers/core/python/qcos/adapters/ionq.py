"""IonQ over plain HTTP, API v0.4.

A submission is one POST and never another: neither IonQ nor HTTP offers an idempotency key, so what a second one
would buy cannot be known. Reads are repeated a little, then given up; asking later is always safe.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

import httpx

from qcos.adapters import ionq_answers as answers
from qcos.adapters.ionq_http import RESULT_BYTES, RESULT_S, Answer, Connection, KeyUnavailable, NoAnswer, NotSent
from qcos.provider import (
    Characterization,
    Estimate,
    ProviderBackend,
    ProviderJob,
    ProviderRefused,
    ProviderResult,
    ProviderUnavailable,
    ProviderUnknown,
)

PAGE = 25
"""Jobs per page, IonQ's maximum."""

MAX_PAGES = 100
"""Pages that a search reads; what is further back is not looked for."""

_NO_DEFINITE_NO = frozenset({408, 409, 499})
"""4xx statuses that a proxy may send for a request it has already passed on."""

_CLOUDFLARE_DNS_ERROR = re.compile(rb"error.{0,60}?\b1001\b", re.IGNORECASE | re.DOTALL)

_REFUSALS = {
    400: ("PROVIDER_REJECTED", "IonQ does not accept this circuit or its settings"),
    401: ("PROVIDER_UNAUTHORIZED", "IonQ does not accept the service's API key; the operator must renew it"),
    402: ("PROVIDER_QUOTA_EXHAUSTED", "the IonQ account has no budget left for this job"),
    403: ("PROVIDER_FORBIDDEN", "the IonQ account has no right to, or no budget for, this backend"),
    404: ("PROVIDER_NOT_FOUND", "IonQ does not know the address that takes jobs; the operator must check it"),
    413: ("PROVIDER_JOB_TOO_LARGE", "the circuit is over the 10 MB that IonQ takes; submit a smaller one"),
    429: ("PROVIDER_RATE_LIMITED", "IonQ takes no more jobs at this rate; try again in a minute"),
}
"""Code and words by status; any other 4xx is told as a 400."""


class IonQProvider:
    """The provider port over IonQ's API.

    ``url`` is the API's root including its version (``https://api.ionq.co/v0.4``). ``api_key`` is called for every
    request. ``timeout_s`` is how long a submission may take to be answered, in seconds; reads wait less. Safe to use
    from several threads. ``transport`` and ``sleep`` replace the network and the pauses between tries.

    Raises:
        ValueError: ``url`` is not an HTTP address that ends in ``/v0.4``.
    """

    def __init__(
        self,
        url: str,
        api_key: Callable[[], str],
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = Connection(url, api_key, timeout_s=timeout_s, transport=transport, sleep=sleep)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> IonQProvider:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, body: bytes) -> str:
        """One POST of a job; IonQ's id of it.

        A 4xx is a definite no, with three exceptions that proxies also send after passing a request on: 408, 499
        and 409. A 409 is a no only when it is Cloudflare's error 1001, which means that the name of IonQ's server
        could not be resolved and nothing was passed on.

        Raises:
            ProviderRefused: nothing was created: a 4xx as above, no connection, or no API key to send.
            ProviderUnknown: the request or part of it was sent and no usable answer came.
        """
        try:
            answer = self._connection.post_once("/jobs", body)
        except KeyUnavailable as error:
            raise ProviderRefused(
                "PROVIDER_KEY_UNAVAILABLE", "the service could not read its IonQ API key; try again", retryable=True
            ) from error
        except NotSent as error:
            raise ProviderRefused(
                "PROVIDER_UNREACHABLE", "IonQ could not be reached; nothing was sent", retryable=True
            ) from error
        except NoAnswer as error:
            raise ProviderUnknown(f"no usable answer to the submission: {error}") from error
        if 200 <= answer.status < 300:
            return _created(answer)
        if 400 <= answer.status < 500:
            _refuse(answer)
        raise ProviderUnknown(f"the submission was answered with HTTP {answer.status}")

    def backends(self) -> list[ProviderBackend]:
        """Every machine and its live state.

        Raises:
            ProviderUnavailable: no usable answer.
        """
        with _asking("which backends there are"):
            return answers.backends(answers.parse(self._connection.read("/backends")))

    def characterization(self, backend: str) -> Characterization | None:
        """The newest characterisation of a machine, or None where it has none or is not known.

        Raises:
            ProviderUnavailable: no usable answer.
        """
        with _asking("how a backend is characterised"):
            path = f"/backends/{quote(backend, safe='')}/characterizations"
            raw = _unless_absent(lambda: self._connection.read(path, params={"limit": "1"}))
            return None if raw is None else answers.characterization(answers.parse(raw), raw)

    def jobs(self, ids: Sequence[str]) -> dict[str, ProviderJob]:
        """The listed jobs that exist, by id.

        Raises:
            ProviderUnavailable: no usable answer.
            ValueError: more than 25 ids.
        """
        if len(ids) > PAGE:
            raise ValueError(f"IonQ lists at most {PAGE} jobs at once")
        if not ids:
            return {}
        with _asking("how jobs are doing"):
            listed, _ = self._page({"ids": list(ids)})
            return {job.id: job for job in map(answers.job, listed) if job.id in ids}

    def find(self, token: str, backend: str, since: datetime) -> ProviderJob | None:
        """The job of ``backend`` whose name is ``token``; the list is read back until it is older than ``since``.

        IonQ lists the newest first. A page is the last one when every job on it is older, so that a little disorder
        does not hide a job.

        Raises:
            ProviderUnavailable: no usable answer, or more jobs than can be searched: never a guess.
        """
        with _asking("whether a job was taken"):
            params = {"target": backend}
            for _ in range(MAX_PAGES):
                listed, following = self._page(params)
                for item in listed:
                    if item.get("name") == token:
                        return answers.job(item)
                if following is None or all(_older(item.get("submitted_at"), since) for item in listed):
                    return None
                if following == params.get("next"):
                    raise answers.Malformed("the list of jobs does not go on")
                params["next"] = following
            raise answers.Malformed(f"there are more than {MAX_PAGES * PAGE} newer jobs")

    def _page(self, params: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
        return answers.job_page(answers.parse(self._connection.read("/jobs", params={"limit": str(PAGE), **params})))

    def result(self, job: ProviderJob) -> ProviderResult:
        """A completed job's result: exact probabilities of an ideal simulation, otherwise its histogram.

        Raises:
            ProviderUnavailable: no answer, or one that is not a result; the message says what is wrong with it.
        """
        with _asking("what a job resulted in"):
            document = answers.parse(self._connection.read(f"/jobs/{_id(job.id)}"))
            if not isinstance(document, dict) or document.get("id") != job.id:
                raise answers.Malformed("another job was sent")
            ideal, qubits = answers.is_ideal(document), answers.width(document)
            path = self._result_path(job.id, document.get("results"), "probabilities" if ideal else "histogram")
            raw = self._connection.read(path, limit=RESULT_BYTES, seconds=RESULT_S)
            value = answers.parse(raw)
            if ideal:
                return ProviderResult(raw=raw, probabilities=answers.probabilities(value, qubits))
            return ProviderResult(raw=raw, histogram=answers.histogram(value, qubits, document.get("shots")))

    def shots(self, job: ProviderJob) -> list[str] | None:
        """The outcome of every shot in order; None for an ideal simulation, which draws none.

        Raises:
            ProviderUnavailable: no answer, or one that is not a list of outcomes.
        """
        with _asking("a job's shots"):
            document = answers.parse(self._connection.read(f"/jobs/{_id(job.id)}"))
            if answers.is_ideal(document):
                return None
            path = self._result_path(job.id, document.get("results"), "shots")
            raw = self._connection.read(path, limit=RESULT_BYTES, seconds=RESULT_S)
            return answers.shots(answers.parse(raw), answers.width(document), document.get("shots"))

    def _result_path(self, job_id: str, results: Any, kind: str) -> str:
        """Where a job's result is, below the API's root: nothing but this job's own part of it is followed."""
        table = results if isinstance(results, dict) else {}
        entry = table.get(kind) or table.get(f"ionq.result.{kind}.json.v1")
        if not isinstance(entry, dict):
            raise answers.Malformed(f"the job has no {kind} among its results")
        if entry.get("url") is None:
            artifact = answers.identifier(entry.get("id"))
            if artifact is None:
                raise answers.Malformed(f"the {kind} has neither an address nor an id")
            return f"/jobs/{job_id}/artifacts/{artifact}"
        try:
            target = httpx.URL(entry["url"])
        except (httpx.InvalidURL, TypeError):
            raise answers.Malformed(f"the {kind} has an unusable address") from None
        root = self._connection.url
        here = (root.scheme, root.host, root.port)
        elsewhere = bool(target.scheme or target.host) and (target.scheme, target.host, target.port) != here
        own = re.fullmatch(rf"/v0\.4(/jobs/{re.escape(job_id)}/[A-Za-z0-9_/.-]+)", target.path)
        if elsewhere or target.userinfo or target.query or own is None or ".." in target.path:
            raise answers.Malformed(f"the {kind} is said to be outside the job")
        return own.group(1)

    def cost_microdollars(self, job_id: str) -> int | None:
        """What a job cost, in 1e-6 US dollars; None where IonQ states no price, or one in credits.

        Raises:
            ProviderUnavailable: no usable answer.
        """
        with _asking("what a job cost"):
            raw = _unless_absent(lambda: self._connection.read(f"/jobs/{_id(job_id)}/cost"))
            return None if raw is None else answers.cost_microdollars(answers.parse(raw, exact=True))

    def estimate(
        self, backend: str, *, qubits: int, shots: int, one_qubit_gates: int, two_qubit_gates: int
    ) -> Estimate:
        """What IonQ would ask and take for a circuit of that size; nothing is submitted.

        Raises:
            ProviderUnavailable: no usable answer.
        """
        size = {"qubits": qubits, "shots": shots, "1q_gates": one_qubit_gates, "2q_gates": two_qubit_gates}
        question = {"type": "ionq.circuit.v1", "backend": backend, **size, "error_mitigation": "false"}
        with _asking("an estimate"):
            raw = self._connection.read("/jobs/estimate", params=question)
            return answers.estimate(answers.parse(raw, exact=True))

    def cancel(self, job_id: str) -> None:
        """Ask IonQ to stop a job; a finished one stays as it is, so asking may be repeated.

        Raises:
            ProviderUnavailable: no usable answer.
        """
        with _asking("a cancellation"):
            self._connection.read(f"/jobs/{_id(job_id)}/status/cancel", method="PUT")


def _created(answer: Answer) -> str:
    try:
        document = answers.parse(answer.body)
    except answers.Malformed:
        document = None
    job_id = answers.identifier(document.get("id")) if isinstance(document, dict) else None
    if job_id is None:
        raise ProviderUnknown("the submission was answered without a job id")
    return job_id


def _refuse(answer: Answer) -> NoReturn:
    status = answer.status
    if status == 409 and _is_cloudflare_dns_error(answer):
        raise ProviderRefused(
            "PROVIDER_UNREACHABLE", "IonQ's server could not be found; nothing was sent to it", retryable=True
        )
    if status in _NO_DEFINITE_NO:
        raise ProviderUnknown(f"the submission was answered with HTTP {status}")
    code, message = _REFUSALS.get(status, _REFUSALS[400])
    said = answers.refusal_details(answer.body)
    place = f"HTTP {status}, {said}" if said else f"HTTP {status}"
    raise ProviderRefused(code, f"{message} ({place})", retryable=status == 429)


def _is_cloudflare_dns_error(answer: Answer) -> bool:
    by_cloudflare = "cloudflare" in answer.headers.get("server", "").lower()
    return by_cloudflare and _CLOUDFLARE_DNS_ERROR.search(answer.body) is not None


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Tell of everything that keeps a read from succeeding with the port's exception."""
    try:
        yield
    except (NoAnswer, answers.Malformed) as error:
        raise ProviderUnavailable(f"IonQ did not answer {what}: {error}") from error


def _unless_absent(read: Callable[[], bytes]) -> bytes | None:
    """What ``read`` returns, or None when IonQ says that there is nothing of the kind."""
    try:
        return read()
    except NoAnswer as error:
        if error.status == 404:
            return None
        raise


def _id(job_id: str) -> str:
    if answers.identifier(job_id) is None:
        raise answers.Malformed("that is no job id of IonQ's")
    return job_id


def _older(submitted_at: Any, since: datetime) -> bool:
    """Whether a job was submitted before ``since``; one without a readable time is not known to be."""
    try:
        moment = datetime.fromisoformat(submitted_at)
    except (TypeError, ValueError):
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < since
