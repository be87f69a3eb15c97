"""AWS Signature Version 4 for a POST without a query, by hand: importing an SDK takes longer than an ack.

How it is made up: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings import Settings

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom we sign as; a session token comes with those that Lambda gives a function."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def credentials_of(settings: Settings) -> Credentials:
    """Take the keys that Lambda gives a function, or a shell us."""
    return Credentials(settings.aws_access_key_id, settings.aws_secret_access_key, settings.aws_session_token)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    credentials: Credentials
    region: str
    service: str

    def sign(
        self, host: str, path: str, headers: Mapping[str, str], body: bytes, now: float
    ) -> dict[str, str]:
        """Give `headers` (names in lower case) what AWS needs beside them: host, date, token, authorization.

        `host` has its port unless that is the scheme's own; `path` is as it will be sent. AWS accepts the
        result for five minutes from `now` (epoch seconds).
        """
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        steps = (at[:8], self.region, self.service, "aws4_request")
        scope = "/".join(steps)
        signed = {**headers, "host": host, "x-amz-date": at}
        if self.credentials.session_token:
            signed["x-amz-security-token"] = self.credentials.session_token
        names = ";".join(sorted(signed))
        request = _canonical_request(path, signed, names, body)
        signature = _hmac(self._key(steps), "\n".join((_ALGORITHM, at, scope, _sha256(request)))).hex()
        credential = f"{self.credentials.access_key_id}/{scope}"
        authorization = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": authorization}

    def _key(self, steps: tuple[str, ...]) -> bytes:
        secret = f"AWS4{self.credentials.secret_access_key}"
        return functools.reduce(_hmac, steps, secret.encode())


def _canonical_request(path: str, headers: Mapping[str, str], names: str, body: bytes) -> bytes:
    lines = (f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    return "\n".join(("POST", _canonical_path(path), "", "".join(lines), names, _sha256(body))).encode()


def _canonical_path(path: str) -> str:
    """Resolve `.`, `..` and doubled slashes, and quote what is left, though it has been quoted before."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    closing = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{closing}", safe="/~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
