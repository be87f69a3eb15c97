"""A loopback SQS: real HTTP on 127.0.0.1 that keeps what it was sent and misbehaves when told to.

It has secrets, too: GetParameters of SSM is answered from a dictionary, so that one AWS_ENDPOINT_URL does.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: header names in lower case, the connection it came on counted from 0."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON body."""
        fields: dict[str, Any] = json.loads(self.body)
        return fields

    @property
    def action(self) -> str:
        """What was asked for, such as SendMessage."""
        return self.headers.get("x-amz-target", "").partition(".")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer; `then_close` closes the connection afterwards without a word in the headers."""

    status: int = 200
    body: bytes = b'{"MessageId": "m-1"}'
    headers: dict[str, str] = field(default_factory=dict)
    then_close: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer."""


@dataclass(slots=True)
class LoopbackSqs:
    """What was received, and what to do with the next requests; an empty script answers with success."""

    url: str
    received: list[Received] = field(default_factory=list)
    script: deque[Answer | Drop | Hang] = field(default_factory=deque)
    parameters: dict[str, str] = field(default_factory=dict)
    connections: list[socket.socket] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def queue_url(self) -> str:
        """A queue's URL on this server."""
        return f"{self.url}/123456789012/penny.fifo"

    @property
    def jobs(self) -> list[Received]:
        """The requests that were meant for a queue."""
        return [received for received in self.received if received.action != "GetParameters"]

    @property
    def readings(self) -> list[list[str]]:
        """The names that each request for parameters asked for."""
        return [received.fields["Names"] for received in self.received if received.action == "GetParameters"]

    def usual_answer(self, received: Received) -> Answer:
        """Answer as AWS would."""
        if received.action != "GetParameters":
            return Answer()
        names = received.fields["Names"]
        there = [{"Name": n, "Value": self.parameters[n]} for n in names if n in self.parameters]
        invalid = [n for n in names if n not in self.parameters]
        return Answer(body=json.dumps({"Parameters": there, "InvalidParameters": invalid}).encode())

    def wait_until_closed(self, connection: int) -> None:
        """Wait until a connection that the script closed is closed."""
        while self.connections[connection].fileno() != -1:
            self.over.wait(0.005)


@contextlib.contextmanager
def loopback_sqs(tls: ssl.SSLContext | None = None) -> Iterator[LoopbackSqs]:
    """Serve a loopback SQS while the block runs, over TLS when given a server's context."""
    server = _Server((LOOPBACK, 0), _Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = server.server_address[1]
    server.sqs = LoopbackSqs(f"{'https' if tls else 'http'}://{LOOPBACK}:{port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.sqs
    finally:
        server.sqs.over.set()
        server.shutdown()
        thread.join()
        server.end_connections()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them
    sqs: LoopbackSqs

    def end_connections(self) -> None:
        for connection in self.sqs.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up or does not trust us is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.number = len(self.server.sqs.connections)
        self.server.sqs.connections.append(self.connection)

    def do_POST(self) -> None:
        sqs = self.server.sqs
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.path, headers, body, self.number)
        sqs.received.append(received)
        match sqs.script.popleft() if sqs.script else sqs.usual_answer(received):
            case Hang():
                sqs.over.wait()
                self.close_connection = True
            case Drop():
                self.close_connection = True
            case Answer(status, answer, extra, then_close):
                self._answer(status, answer, extra)
                self.close_connection = then_close

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""
