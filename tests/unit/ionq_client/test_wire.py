"""The same promises over real sockets, where connections are reused, cut and stalled."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from qcos.adapters.ionq import IonQProvider
from qcos.provider import ProviderRefused, ProviderUnavailable, ProviderUnknown
from tests.unit.ionq_client.script import JOB

CREATED = b'{"id": "' + JOB.encode() + b'", "status": "submitted", "session_id": null}'


def http(status: int, content: bytes, *, announced: int | None = None) -> bytes:
    length = len(content) if announced is None else announced
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode() + content
    )


@dataclass
class Wire:
    """A server that answers each request with prepared bytes and keeps what it got, with the client's port.

    An empty answer closes the connection. A part of a drip is sent whenever ``drip`` allows.
    """

    answer: Callable[[bytes], bytes]
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    url: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while not self.stop.is_set():
            try:
                connection, (_, port) = listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self.talk, args=(connection, port))
            thread.start()
            self.threads.append(thread)

    def talk(self, connection: socket.socket, port: int) -> None:
        connection.settimeout(0.05)
        received = b""
        with connection:
            while not self.stop.is_set():
                try:
                    chunk = connection.recv(65536)
                except TimeoutError:
                    continue
                if not chunk:
                    return
                received += chunk
                head, end, content = received.partition(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if not end or len(content) < length:
                    continue
                self.requests.append((port, received))
                received = b""
                if not self.send(connection, self.answer(head)):
                    return

    def send(self, connection: socket.socket, answer: bytes) -> bool:
        if not answer:
            return False
        if not answer.startswith(b"drip:"):
            connection.sendall(answer)
            return True
        for byte in answer.removeprefix(b"drip:"):
            if self.stop.wait(0.02):
                return False
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return False
        return True


@contextmanager
def wire(answer: Callable[[bytes], bytes]) -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = Wire(answer, url=f"http://127.0.0.1:{listener.getsockname()[1]}/v0.4")
        accepting = threading.Thread(target=server.serve, args=(listener,))
        accepting.start()
        try:
            yield server
        finally:
            server.stop.set()
            accepting.join()
            for thread in server.threads:
                thread.join()


def provider(server: Wire, timeout_s: float = 10.0) -> IonQProvider:
    return IonQProvider(server.url, lambda: "k", timeout_s=timeout_s, sleep=lambda _: None)


def posts(server: Wire) -> int:
    return sum(request.startswith(b"POST") for _, request in server.requests)


def test_a_submission_never_reuses_a_connection() -> None:
    """An idle connection can be dead unnoticed; what is sent on it is neither taken nor refused."""

    def answer(head: bytes) -> bytes:
        return http(201, CREATED) if head.startswith(b"POST") else http(200, b"[]")

    with wire(answer) as server, provider(server) as ionq:
        ionq.backends()
        ionq.backends()
        assert ionq.submit(b"{}") == JOB
        assert ionq.submit(b"{}") == JOB
        ports = [port for port, _ in server.requests]
    assert ports[0] == ports[1]
    assert len({*ports[1:]}) == 3


@pytest.mark.parametrize(
    "cut",
    [b"", http(201, CREATED[:20], announced=len(CREATED)), b"HTTP/1.1 201 Created\r\nContent-Le", b"\x16\x03\x01"],
    ids=["silence", "half body", "half head", "not http"],
)
def test_a_submission_that_is_cut_off_is_unknown_and_sent_once(cut: bytes) -> None:
    with wire(lambda _: cut) as server, provider(server, timeout_s=0.3) as ionq:
        with pytest.raises(ProviderUnknown):
            ionq.submit(b"{}")
        assert posts(server) == 1


def test_a_submission_answered_byte_by_byte_is_given_up() -> None:
    """Each byte comes in time, the whole answer does not."""
    with wire(lambda _: b"drip:" + http(201, CREATED)) as server, provider(server, timeout_s=0.5) as ionq:
        with pytest.raises(ProviderUnknown, match="ReadTimeout"):
            ionq.submit(b"{}")
        assert posts(server) == 1


def test_a_read_that_is_cut_off_is_tried_three_times() -> None:
    with wire(lambda _: b"") as server, provider(server) as ionq:
        with pytest.raises(ProviderUnavailable):
            ionq.backends()
        assert len(server.requests) == 3


def test_nobody_listening_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        IonQProvider(f"http://127.0.0.1:{port}/v0.4", lambda: "k") as ionq,
        pytest.raises(ProviderRefused) as caught,
    ):
        ionq.submit(b"{}")
    assert (caught.value.code, caught.value.retryable) == ("PROVIDER_UNREACHABLE", True)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with wire(lambda _: http(201, CREATED)) as server, provider(server) as ionq:
        assert ionq.submit(b"{}") == JOB
