"""Moving jobs through their states in time: submitted, ready, started, then completed or failed.

A job waits half of its backend's queue time as ``submitted`` and half as ``ready``; it is ``started`` while it is
simulated. Short simulations run in a thread. Long ones run in a process of their own, which cancelling, deleting or
stopping the emulator kills, and which is bounded in time and memory.
"""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from infra.local.ionq import rates
from infra.local.ionq.backends import NOISE_MODELS
from infra.local.ionq.errors import JobFailure
from infra.local.ionq.jobs import Job
from infra.local.ionq.simulation import Outcome, Task, simulate
from infra.local.ionq.worker import WorkerProcess

SIMULATOR_QUEUE_SECONDS = 0.2
QPU_QUEUE_SECONDS = 1.5
ISOLATE_SECONDS = 1.0
"""Circuits guessed to take longer than this are simulated in a process of their own."""
CONCURRENT_SIMULATIONS = 2
_POLL_SECONDS = 0.05


class Runner:
    """Runs jobs on one event loop. ``queue_seconds`` overrides the wait of every backend."""

    def __init__(self, queue_seconds: float | None = None) -> None:
        self._queue_seconds = queue_seconds
        self._threads = ThreadPoolExecutor(CONCURRENT_SIMULATIONS, thread_name_prefix="simulation")
        self._slots = asyncio.Semaphore(CONCURRENT_SIMULATIONS)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit(self, job: Job) -> None:
        """Start moving a job."""
        task = asyncio.get_running_loop().create_task(self._run(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _done: self._tasks.pop(job.id, None))

    def stop(self, job: Job, status: str, failure: JobFailure | None = None) -> None:
        """End a job or one child now; its simulation, if any, is stopped."""
        job.finish(status, failure)
        root = job.parent or job
        if job.parent is not None and all(child.finished for child in root.children):
            root.finish(status, failure)
        if root.finished and (task := self._tasks.get(root.id)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop everything that runs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, job: Job) -> None:
        try:
            half = self._queue(job) / 2
            await asyncio.sleep(half)
            await self._released(job)
            job.start("ready")
            await asyncio.sleep(half)
            await self._released(job)
            await self._execute(job)
        except JobFailure as failure:
            job.finish("failed", failure)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever broke, the job must end and say so
            job.finish("failed", JobFailure("InternalError", repr(error)))

    def _queue(self, job: Job) -> float:
        if self._queue_seconds is not None:
            return self._queue_seconds
        return SIMULATOR_QUEUE_SECONDS if job.submission.backend.is_simulator else QPU_QUEUE_SECONDS

    async def _released(self, job: Job) -> None:
        """Wait while the job is held or its machine takes no work."""
        while job.held or job.submission.backend.status == "unavailable":
            await asyncio.sleep(_POLL_SECONDS)

    async def _execute(self, job: Job) -> None:
        submission = job.submission
        seed = submission.noise_seed if submission.noise_seed is not None else secrets.randbits(63)
        failures: list[JobFailure] = []
        parts = job.children or [job]
        for index, (part, circuit) in enumerate(zip(parts, job.circuits, strict=True)):
            if part.finished:
                continue
            noise = submission.backend.noise or NOISE_MODELS[submission.noise_model]
            entangler = "zz" if noise is None else noise.entangler
            task = Task(
                circuit, submission.backend, submission.shots, noise, (seed, index), entangler, submission.dry_run
            )
            try:
                async with self._slots:
                    job.start("started")
                    outcome = await self._simulate(task)
            except JobFailure as failure:
                failures.append(failure)
                if part is not job:
                    part.finish("failed", failure)
                continue
            await self._released(job)  # a held job stays visibly started
            if part.finished:
                continue
            part.outcome = outcome
            part.execution_ms = self._duration(part, outcome)
            if part is not job:
                part.finish("completed")
        if failures:
            raise failures[0]
        if job.children:
            job.execution_ms = sum(child.execution_ms or 0 for child in job.children)
        job.finish("completed")

    async def _simulate(self, task: Task) -> Outcome:
        if task.estimated_seconds() <= ISOLATE_SECONDS:
            return await asyncio.get_running_loop().run_in_executor(self._threads, simulate, task)
        process = WorkerProcess(task)
        try:
            return await asyncio.to_thread(process.result)
        finally:
            process.kill()

    def _duration(self, job: Job, outcome: Outcome) -> int:
        backend = job.submission.backend
        if backend.is_simulator:
            return max(1, round(1000 * outcome.seconds))
        return rates.execution_ms(backend, outcome.gate_counts, job.submission.shots)
