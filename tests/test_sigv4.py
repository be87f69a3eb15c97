"""Our signature, held against botocore's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from router.adapters.sigv4 import Credentials, Signer

OWN_HEADERS = {"host", "authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
"""Headers that a signer sets itself or reads as something else than a header."""

NEVER_SIGNED = set(botocore.auth.SIGNED_HEADERS_BLACKLIST)

visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
hosts = st.builds(
    lambda name, port: f"{name}{port}",
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z0-9]{1,8}){0,3}", fullmatch=True),
    st.one_of(
        st.just(""), st.integers(1, 65535).filter(lambda port: port != 443).map(lambda port: f":{port}")
    ),
)
paths = st.one_of(
    st.just("/"),
    st.from_regex(r"(/(\.|\.\.|[A-Za-z0-9._~%+:@$&=-]{0,8})){1,6}/?", fullmatch=True),
    st.text(st.characters(exclude_characters="?#", min_codepoint=33, max_codepoint=0x2FF), max_size=30).map(
        lambda text: f"/{text}"
    ),
).filter(lambda path: path.isprintable())
header_names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name not in OWN_HEADERS | NEVER_SIGNED
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
times = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2199, 12, 31)).map(  # noqa: DTZ001 - made UTC
    lambda time: time.replace(tzinfo=dt.UTC)
)
credentials = st.builds(Credentials, visible, visible, st.one_of(st.just(""), visible))


def botocore_headers(
    signer: Signer, url: str, headers: dict[str, str], body: bytes, at: dt.datetime
) -> dict[str, Any]:
    """Let botocore sign the same request as if it were `at`."""
    request = AWSRequest("POST", url, headers=headers, data=body)
    whom = signer.credentials
    keys = BotoCredentials(whom.access_key_id, whom.secret_access_key, whom.session_token or None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: at)
        botocore.auth.SigV4Auth(keys, signer.service, signer.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    signer=st.builds(Signer, credentials, visible, visible),
    host=hosts,
    path=paths,
    headers=st.dictionaries(header_names, header_values, max_size=5),
    body=st.binary(max_size=300),
    at=times,
)
def test_every_request_is_signed_as_botocore_signs_it(
    signer: Signer, host: str, path: str, headers: dict[str, str], body: bytes, at: dt.datetime
) -> None:
    """Host, path, headers, body, keys and time of any kind give the headers that botocore gives."""
    ours = signer.sign(host, path, headers, body, at.timestamp())
    theirs = botocore_headers(signer, f"https://{host}{path}", headers, body, at)
    assert ours == {**theirs, "host": host}


def test_the_published_example_comes_out() -> None:
    """AWS's own test suite, case `post-vanilla`, gives the signature that it prints."""
    keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC).timestamp()
    signed = Signer(keys, "us-east-1", "service").sign("example.amazonaws.com", "/", {}, b"", at)
    assert signed["authorization"].endswith(
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


def test_credentials_do_not_show_in_a_traceback() -> None:
    """The key's id may be read by people, the secret and the token may not."""
    shown = repr(Signer(Credentials("AKID", "the-secret", "the-token"), "eu-central-1", "sqs"))
    assert "AKID" in shown
    assert "the-secret" not in shown
    assert "the-token" not in shown
