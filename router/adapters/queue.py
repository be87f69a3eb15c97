"""The queue: SQS FIFO by its JSON protocol, over the standard library alone.

A message is taken, or QueueUnavailable says why not, within the time that Slack's three seconds leave.
Sending one twice is harmless, because its deduplication id makes one of the two.
"""

from __future__ import annotations

import functools
import http.client
import json
import re
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from router.adapters.sigv4 import Signer
from router.errors import QueueUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.adapters.sigv4 import Credentials

GIVE_UP_AFTER_S = 1.5
"""For both attempts: Slack waits 3 s, of which a cold start and the ways here and back take their part."""

LONGEST_ANSWER = 65_536
"""Bytes. SQS answers with a few hundred."""

_BROKEN = (OSError, http.client.HTTPException)
"""What a connection raises that cannot be made, died or ran out of time."""

_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_PATH = re.compile(r"[!-~]*")
_ERROR_CODE = re.compile(r"[A-Za-z0-9._]{1,100}")


class Queue:
    """One SQS queue. Connections are kept between calls; threads may share a queue.

    `endpoint_url` (AWS_ENDPOINT_URL) takes the place of the queue URL's host. Raises SettingsError when
    either is not a URL of a host.
    """

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Credentials,
        endpoint_url: str = "",
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._url = url
        self._give_up_after_s = give_up_after_s
        self._signer = Signer(credentials, region, "sqs")
        if endpoint_url:
            self._host, self._path, self._connection = _endpoint("AWS_ENDPOINT_URL", endpoint_url)
        else:
            self._host, _, self._connection = _endpoint("QUEUE_URL", url)
            self._path = "/"  # a queue URL's path names the queue, requests go to the root

    def send(
        self, body: str, group: str, deduplication_id: str, attributes: Mapping[str, str] | None = None
    ) -> str:
        """Send one message and return the id that SQS gave it; twins within five minutes share it.

        Attributes with an empty value are left out, since SQS refuses them. Raises QueueUnavailable when
        SQS did not take the message, or may not have.
        """
        typed = {k: {"DataType": "String", "StringValue": v} for k, v in (attributes or {}).items() if v}
        message = {"MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": deduplication_id}
        answer = self._call("SendMessage", message | ({"MessageAttributes": typed} if typed else {}))
        message_id = answer.get("MessageId")
        if not isinstance(message_id, str):
            raise QueueUnavailable("SendMessage: answered without a message id")
        return message_id

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Let a received message be delivered again `seconds` (0 to 43,200) from now; the last call counts.

        Raises QueueUnavailable, also for a receipt that is no longer valid.
        """
        self._call("ChangeMessageVisibility", {"ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds})

    def close(self) -> None:
        """Close the kept connections. The queue can be used again afterwards."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _call(self, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps({"QueueUrl": self._url, **arguments}).encode()
        status, answer = self._post_until_answered(action, body)
        fields = _object(answer)
        if status != http.HTTPStatus.OK:
            raise QueueUnavailable(f"{action}: HTTP {status} {_error_code(fields)}")
        return fields

    def _post_until_answered(self, action: str, body: bytes) -> tuple[int, bytes]:
        """Post, and once more when the first attempt broke or SQS itself failed.

        A kept connection may have died while Lambda slept, without a word: it gets half of the time.
        """
        give_up = time.monotonic() + self._give_up_after_s
        try:
            status, answer = self._post(action, body, self._give_up_after_s / 2)
        except _BROKEN:
            self.close()  # the others are as old
        else:
            if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, answer
        try:
            return self._post(action, body, give_up - time.monotonic())
        except _BROKEN as error:
            raise QueueUnavailable(f"{action}: {type(error).__name__}") from error

    def _post(self, action: str, body: bytes, within_s: float) -> tuple[int, bytes]:
        target = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{action}"}
        headers = self._signer.sign(self._host, self._path, target, body, time.time())
        connection = self._borrow()
        try:
            answered = _exchange(connection, self._path, headers, body, within_s)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answered

    def _borrow(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connection()


def _exchange(
    connection: http.client.HTTPConnection,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    within_s: float,
) -> tuple[int, bytes]:
    """Post on `connection`, which connects if it is not, and read the answer."""
    give_up = time.monotonic() + within_s
    connection.timeout = within_s
    if connection.sock is None:
        connection.connect()
    connection.sock.settimeout(max(give_up - time.monotonic(), 0.001))  # 0 would mean: do not wait at all
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    answer = response.read(LONGEST_ANSWER)
    if not response.isclosed():
        connection.close()  # what was not read would be taken for the next answer
    return response.status, answer


def _endpoint(variable: str, url: str) -> tuple[str, str, Callable[[], http.client.HTTPConnection]]:
    """Read a URL into its host as the Host header names it, its path, and a maker of connections.

    Raises SettingsError that names the variable, never the URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not (_HOST.fullmatch(host) and parts.scheme in {"http", "https"} and _PATH.fullmatch(parts.path)):
        raise SettingsError(f"{variable}: must be a URL that starts with http:// or https://")
    is_tls = parts.scheme == "https"
    default = http.client.HTTPS_PORT if is_tls else http.client.HTTP_PORT
    named = f"[{host}]" if ":" in host else host
    if port not in {None, default}:
        named = f"{named}:{port}"
    return named, parts.path or "/", _connections(host, port or default, is_tls=is_tls)


def _connections(host: str, port: int, *, is_tls: bool) -> Callable[[], http.client.HTTPConnection]:
    if is_tls:
        return functools.partial(http.client.HTTPSConnection, host, port, context=_tls_context())
    return functools.partial(http.client.HTTPConnection, host, port)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Trust whom the system trusts. Reading its certificates takes tens of milliseconds, hence once."""
    return ssl.create_default_context()


def _error_code(fields: Mapping[str, Any]) -> str:
    """Name an AWS error: `com.amazonaws.sqs#QueueDoesNotExist` is QueueDoesNotExist."""
    kind = fields.get("__type")
    code = kind.rpartition("#")[2] if isinstance(kind, str) else ""
    return code if _ERROR_CODE.fullmatch(code) else "without an error code"


def _object(answer: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
