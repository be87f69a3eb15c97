"""The gateway: HTTP as Lambda hands it over and takes it back, payload format 2.0.

An HTTP API and a Function URL speak it alike. Whatever the event lacks or garbles reads as an empty part of
the request, which is then refused as any other. The format:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: `body` as it came over the wire, names of headers in lower case."""

    method: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header by its name in lower case, empty when absent."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_payload(self) -> dict[str, Any]:
        """Write the response as Lambda returns it."""
        return {"statusCode": self.status, "headers": dict(self.headers), "body": self.body}


def request_from(event: Any) -> Request:
    """Read Lambda's event; never raises."""
    fields = event if isinstance(event, dict) else {}
    context = fields.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else None
    return Request(
        method=method.upper() if isinstance(method, str) else "",
        headers=_headers(fields.get("headers")),
        body=_body(fields.get("body"), is_base64=fields.get("isBase64Encoded") is True),
    )


def _headers(headers: Any) -> dict[str, str]:
    if not isinstance(headers, dict):
        return {}
    texts = headers.items()
    return {name.lower(): value for name, value in texts if isinstance(name, str) and isinstance(value, str)}


def _body(body: Any, *, is_base64: bool) -> bytes:
    """Read the body's bytes; what is no base64 has none, so that no signature fits it."""
    if not isinstance(body, str):
        return b""
    if not is_base64:
        return body.encode(errors="surrogatepass")
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except ValueError:
        return b""
