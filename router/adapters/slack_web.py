"""Slack's Web API over one kept-alive connection: a method and its arguments in, Slack's answer out.

The SDK's client opens a connection for every call; a streamed answer makes one a second.
https://docs.slack.dev/apis/web-api
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from router.adapters.http_date import told_at
from router.adapters.late import Late
from router.adapters.trust import trusted
from router.errors import SlackRateLimited, SlackRefused, SlackUnavailable

READ_METHODS = frozenset(
    {"conversations.replies", "conversations.history", "conversations.list", "users.info"}
)
"""Methods that take their arguments in the address; the others take JSON."""

TRIES = 2
"""A connection that broke is tried once more, when nothing can have been posted by it."""

TOKEN_REFUSED = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
)
"""Codes that speak of the token, not of the call: https://docs.slack.dev/reference/methods/auth.test#errors"""

SLACK_HOSTS = frozenset({"files.slack.com", "hooks.slack.com", "files.slack-gov.com", "hooks.slack-gov.com"})
"""Where files and response URLs are, besides the host of the Web API itself."""

_LONGEST_CODE = 64
_LONGEST_NAME = 80
_CODE = re.compile(rf"[a-z_]{{2,{_LONGEST_CODE}}}")
_DEFAULT_RETRY_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Whose token it is (workspace and bot), its scopes (empty: Slack did not say), and Slack's clock.

    Every answer names the scopes in a header: https://api.slack.com/legacy/oauth-scopes.
    """

    team: str
    user: str
    scopes: frozenset[str]
    told_at: float | None


class SlackWeb:
    """One workspace's Web API. Thread-safe; made once per container.

    `transport` replaces the network. `renewed` is asked when Slack refused the token: it is given that one
    and returns the one to use from now on, which may be the same.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        transport: httpx.BaseTransport | None = None,
        renewed: Callable[[str], str] | None = None,
    ) -> None:
        self._renewed = renewed or (lambda refused: refused)
        self._client = Late(
            lambda: httpx.Client(
                base_url=base_url if base_url.endswith("/") else f"{base_url}/",
                headers={"Authorization": f"Bearer {token}"},  # httpx shows this one to no one
                timeout=httpx.Timeout(10.0, connect=3.0),
                transport=transport,
                verify=trusted(),
            )
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.end(httpx.Client.close)

    @property
    def _http(self) -> httpx.Client:
        return self._client.get()

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call `method`; arguments of None are left out.

        Raises SlackRefused (Slack said no, with its code), SlackRateLimited (with the seconds to wait) or
        SlackUnavailable (no usable answer; whether a post happened is then unknown).
        """
        return self._call(method, arguments)[0]

    def respond(self, url: str, answer: dict[str, Any]) -> None:
        """Answer a command or a press at its response URL, which takes five answers within half an hour.

        Our token is not shown there. Raises as `call` does; SlackRefused also when the address is not one
        of Slack's, or its uses are up.
        https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """
        request = self._http.build_request("POST", self._checked("response_url", url), json=answer)
        del request.headers["Authorization"]
        try:
            response = self._http.send(request)
        except httpx.RequestError as error:
            raise SlackUnavailable(f"response_url: {type(error).__name__}") from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise SlackUnavailable(f"response_url: HTTP {response.status_code}")
        if code := _refused_answer(response):
            raise SlackRefused("response_url", code)

    def download(self, url: str, most_bytes: int) -> tuple[bytes, str]:
        """Return a file's bytes and its content type. Raises as `call` does.

        Our token goes to Slack's own hosts and nowhere else, not by a redirect either. SlackRefused also for
        a file above `most_bytes`, of which no more than that is read.
        https://docs.slack.dev/reference/objects/file-object
        """
        address = self._checked("download", url)
        body = bytearray()
        try:
            with self._http.stream("GET", address, follow_redirects=False) as response:
                if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                    raise SlackUnavailable(f"download: HTTP {response.status_code}")
                if response.status_code != httpx.codes.OK:
                    raise SlackRefused("download", f"http_{response.status_code}")
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        raise SlackRefused("download", "too_large")
                kind = str(response.headers.get("content-type", ""))
        except httpx.RequestError as error:
            raise SlackUnavailable(f"download: {type(error).__name__}") from error
        return bytes(body), kind.partition(";")[0].strip().lower()

    def _checked(self, purpose: str, url: str) -> httpx.URL:
        """Return an address that came from outside, if it is one of Slack's; raises SlackRefused if not."""
        try:
            address = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            raise SlackRefused(purpose, "no_address") from None
        base = self._http.base_url
        is_where_we_call = (address.scheme, address.netloc) == (base.scheme, base.netloc)
        if is_where_we_call or (address.scheme == "https" and address.netloc.decode() in SLACK_HOSTS):
            return address
        raise SlackRefused(purpose, "not_slacks_host")

    def token(self) -> TokenFacts:
        """Ask Slack whose token ours is and what it may do. Raises as `call` does."""
        answer, headers = self._call("auth.test", {})
        scopes = (scope.strip() for scope in headers.get("x-oauth-scopes", "").split(","))
        return TokenFacts(
            team=_text(answer.get("team")),
            user=_text(answer.get("user")),
            scopes=frozenset(scope for scope in scopes if scope),
            told_at=told_at(headers),
        )

    def _call(self, method: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], httpx.Headers]:
        """Call with our token; if it is refused, once more with the one that took its place."""
        given = {name: value for name, value in arguments.items() if value is not None}
        authorization = self._http.headers["Authorization"]
        try:
            return self._call_with(authorization, method, given)
        except SlackRefused as refused:
            if refused.code not in TOKEN_REFUSED:
                raise
            newest = f"Bearer {self._renewed(authorization.removeprefix('Bearer '))}"
            if newest == authorization:
                raise
        self._http.headers["Authorization"] = newest
        return self._call_with(newest, method, given)

    def _call_with(
        self, authorization: str, method: str, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], httpx.Headers]:
        response = self._send(method, arguments, {"Authorization": authorization})
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise SlackRateLimited(method, _retry_after_s(response))
        answer = _json_object(response)
        if answer is None or response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise SlackUnavailable(f"{method}: HTTP {response.status_code}")
        if answer.get("ok") is not True:
            raise _refusal(method, answer)
        return answer, response.headers

    def _send(self, method: str, arguments: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        for attempt in range(1, TRIES + 1):
            try:
                if method in READ_METHODS:
                    return self._http.get(method, params=arguments, headers=headers)
                return self._http.post(method, json=arguments, headers=headers)
            except httpx.RequestError as error:
                may_have_arrived = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if attempt == TRIES or (may_have_arrived and method not in READ_METHODS):
                    raise SlackUnavailable(f"{method}: {type(error).__name__}") from error
        raise AssertionError  # pragma: no cover - the loop returns or raises


def _json_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _refused_answer(response: httpx.Response) -> str:
    """Return why a response URL did not take an answer, as far as Slack says; empty when it did.

    Its own word may come as JSON or bare, with whatever status.
    """
    answer = _json_object(response)
    if answer is not None and answer.get("ok") is False:
        code = answer.get("error")
        return code[:_LONGEST_CODE] if isinstance(code, str) else "unknown_error"
    if response.is_success:
        return ""
    return response.text if _CODE.fullmatch(response.text) else f"http_{response.status_code}"


def _text(value: Any) -> str:
    return value[:_LONGEST_NAME] if isinstance(value, str) else ""


def _refusal(method: str, answer: dict[str, Any]) -> Exception:
    code = answer.get("error")
    code = code[:_LONGEST_CODE] if isinstance(code, str) else "unknown_error"
    if code in ("ratelimited", "rate_limited"):
        return SlackRateLimited(method, _DEFAULT_RETRY_AFTER_S)
    if code in ("internal_error", "fatal_error", "service_unavailable", "request_timeout"):
        return SlackUnavailable(f"{method}: {code}")
    return SlackRefused(method, code)


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return min(300.0, max(0.5, float(response.headers.get("Retry-After", ""))))
    except ValueError:
        return _DEFAULT_RETRY_AFTER_S
