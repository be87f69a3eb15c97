"""AWS over the standard library alone: signed calls of one service's JSON protocol, connections kept.

A call is answered or raises AwsUnavailable within the time it is given. What an answer means is left to the
adapter of the service.
"""

from __future__ import annotations

import functools
import http.client
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from router.adapters.trust import trusted
from router.errors import AwsUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.adapters.sigv4 import Signer

LONGEST_ANSWER = 65_536
"""Bytes. A receipt of SQS's has a few hundred, and three secrets of SSM's a few thousand."""

_BROKEN = (OSError, http.client.HTTPException)
"""What a connection raises that cannot be made, died or ran out of time."""

_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_PATH = re.compile(r"[!-~]*")
_ERROR_CODE = re.compile(r"[A-Za-z0-9._]{1,100}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is called: the host as the Host header names it, the path, a maker of connections."""

    host: str
    path: str
    connect: Callable[[], http.client.HTTPConnection]


def endpoint_at(variable: str, url: str) -> Endpoint:
    """Read a URL. Raises SettingsError that names the environment `variable` it is from, never the URL."""
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
    return Endpoint(named, parts.path or "/", _connections(host, port or default, is_tls=is_tls))


class AwsService:
    """One service of AWS's. Connections are kept between calls; threads may share it.

    `target` is the service's name in the protocol and `version` that of the protocol, such as "AmazonSQS"
    and "1.0": both stand in the service's model.
    """

    def __init__(self, endpoint: Endpoint, signer: Signer, target: str, version: str) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._endpoint = endpoint
        self._signer = signer
        self._target = target
        self._content_type = f"application/x-amz-json-{version}"

    def call(self, action: str, arguments: Mapping[str, Any], within_s: float) -> dict[str, Any]:
        """Call `action` and return the fields of its answer; those of an answer that is no JSON are none.

        Calls once more when the first attempt broke or AWS itself failed. Raises AwsUnavailable, also when
        AWS may have done what it was asked but did not say so within `within_s` seconds.
        """
        body = json.dumps(arguments).encode()
        status, answer = self._post_until_answered(action, body, within_s)
        fields = _object(answer)
        if status != http.HTTPStatus.OK:
            code = _error_code(fields)
            raise AwsUnavailable(f"{action}: HTTP {status} {code or 'without an error code'}", code)
        return fields

    def close(self) -> None:
        """Close the kept connections. The service can be called again afterwards."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _post_until_answered(self, action: str, body: bytes, within_s: float) -> tuple[int, bytes]:
        """Post, and once more when the first attempt broke or AWS itself failed.

        A kept connection may have died while Lambda slept, without a word: it gets half of the time.
        """
        give_up = time.monotonic() + within_s
        try:
            status, answer = self._post(action, body, within_s / 2)
        except _BROKEN:
            self.close()  # the others are as old
        else:
            if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, answer
        try:
            return self._post(action, body, give_up - time.monotonic())
        except _BROKEN as error:
            raise AwsUnavailable(f"{action}: {type(error).__name__}") from error

    def _post(self, action: str, body: bytes, within_s: float) -> tuple[int, bytes]:
        target = {"content-type": self._content_type, "x-amz-target": f"{self._target}.{action}"}
        headers = self._signer.sign(self._endpoint.host, self._endpoint.path, target, body, time.time())
        connection = self._borrow()
        try:
            answered = _exchange(connection, self._endpoint.path, headers, body, within_s)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answered

    def _borrow(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._endpoint.connect()


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


def _connections(host: str, port: int, *, is_tls: bool) -> Callable[[], http.client.HTTPConnection]:
    if is_tls:
        return functools.partial(http.client.HTTPSConnection, host, port, context=trusted())
    return functools.partial(http.client.HTTPConnection, host, port)


def _error_code(fields: Mapping[str, Any]) -> str:
    """Name an AWS error: `com.amazonaws.sqs#QueueDoesNotExist` is QueueDoesNotExist; no name is none."""
    kind = fields.get("__type")
    code = kind.rpartition("#")[2] if isinstance(kind, str) else ""
    return code if _ERROR_CODE.fullmatch(code) else ""


def _object(answer: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
