"""The emulator as a server: in this process, on a thread, or as the whole program."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.ionq.admin import AdminRoutes
from infra.local.ionq.app import JobRoutes, application
from infra.local.ionq.backends import BackendCatalogue
from infra.local.ionq.gateway import Gateway
from infra.local.ionq.jobs import MAX_JOBS, JobStore
from infra.local.ionq.resources import ResourceRoutes
from infra.local.ionq.runner import Runner
from infra.local.ionq.sessions import SessionBook

_START_SECONDS = 30.0


def build_application(
    api_key: str | None = None, queue_seconds: float | None = None, max_jobs: int = MAX_JOBS
) -> Gateway:
    """The ASGI application of one emulator, with a state of its own."""
    backends, store, runner = BackendCatalogue(), JobStore(max_jobs), Runner(queue_seconds)
    sessions = SessionBook(backends)
    jobs = JobRoutes(store, backends, sessions, runner)
    admin = AdminRoutes(store, backends, runner)
    resources = ResourceRoutes(store, backends, sessions, jobs)

    @contextlib.asynccontextmanager
    async def lifespan(_application: Any) -> AsyncIterator[None]:
        yield
        await runner.close()

    routes = [*jobs.routes(), *resources.routes(), *admin.routes()]
    gateway = Gateway(application(routes, lifespan), api_key)
    admin.gateway = gateway
    return gateway


class IonQEmulator:
    """A running emulator on 127.0.0.1, as a context manager or by ``run``.

    ``port`` 0 picks a free one; ``queue_seconds`` overrides how long jobs wait before they start (by default 0.2 s on
    the simulator and 1.5 s on QPUs); without ``api_key`` any key is accepted.
    """

    def __init__(
        self,
        api_key: str | None = None,
        port: int = 0,
        queue_seconds: float | None = None,
        max_jobs: int = MAX_JOBS,
    ) -> None:
        gateway = build_application(api_key, queue_seconds, max_jobs)
        self._socket = _listening_socket(port)
        self._address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            gateway,
            http=_protocol_class(gateway),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base of the API, ``http://127.0.0.1:PORT/v0.4``."""
        return f"{self._address}/v0.4"

    @property
    def admin_url(self) -> str:
        """The base of the test hooks, ``http://127.0.0.1:PORT/__admin``."""
        return f"{self._address}/__admin"

    def stop(self) -> None:
        """Ask the server to finish; safe from a signal handler."""
        self._server.should_exit = True

    async def run(self) -> None:
        """Serve until ``stop``, SIGINT or SIGTERM; for a program of its own."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def __enter__(self) -> Self:
        """Serve on a thread; returns once requests are answered."""
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="ionq-emulator", daemon=True)
        self._thread.start()
        # The socket already listens, so a request made from now on waits at most for the loop to start.
        if not started.wait(_START_SECONDS):
            raise RuntimeError("the emulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and wait for the thread."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

    def _serve(self, started: threading.Event) -> None:
        async def serve() -> None:
            started.set()
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())


def _listening_socket(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on every connection; without it each answer, sent in two parts,
    # waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _protocol_class(gateway: Gateway) -> type[H11Protocol]:
    """uvicorn's protocol, telling the gateway which connection belongs to which client so that it can close it."""

    class TrackedProtocol(H11Protocol):
        _client: Any = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._client = transport.get_extra_info("peername")
            gateway.transports[self._client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            gateway.transports.pop(self._client, None)
            super().connection_lost(exc)

    return TrackedProtocol
