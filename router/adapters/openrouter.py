"""OpenRouter over one kept-alive connection: a call goes out, its text comes back as it is written.

Keeps two promises: a call ends at its deadline, whatever the network does, and every failure says whether it
may have cost money. One attempt is made: whether there is another is the caller's decision.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import replace
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Self

import httpx

from router.adapters.http_date import told_at
from router.adapters.late import Late
from router.adapters.openrouter_errors import classify, classify_transport
from router.adapters.openrouter_stream import DONE, IncomingCompletion, safe_id
from router.adapters.sse import events
from router.adapters.trust import trusted
from router.domain.completion import (
    NOTHING_USED,
    Call,
    Completion,
    Finish,
    GenerationCost,
    exact_json,
    read_generation,
)
from router.errors import Billed, ProviderUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from router.domain.account import KeyStanding
    from router.domain.catalogue import Listing

APP_TITLE = "Penny"
APP_URL = "https://penny.example"
"""How OpenRouter's pages name the spender; the address is a mere label, by RFC 2606 it leads nowhere."""

CONNECT_TIMEOUT_S = 5.0
"""Connecting takes a few round trips; after some seconds a new attempt is the better bet."""

WRITE_TIMEOUT_S = 10.0
"""Not even a megabyte of context takes a slow line longer."""

LOOKUP_TIMEOUT_S = 10.0
"""Looking up a past call reads one record."""

KEEP_ALIVE_S = 60.0
"""Shorter than after what gateways silently forget a connection (350 s at AWS): that it is dead shows only
after a call was sent over it, and then nobody can say whether the call was billed."""

DONE_GRACE_S = 0.5
"""After [DONE] only the end of the body is missing; reading it too keeps the connection for the next call."""

CLOCK_TOLERANCE_S = 0.1
"""Time-outs run on another clock than deadlines."""

LONGEST_BODY = 256_000
"""Bytes read of a reply that is no stream: an error that names every provider fits, a flood does not."""

LONGEST_LIST = 16_000_000
"""Bytes read of the list of models, which has about one million."""

MOST_METADATA, LONGEST_METADATA_NAME, LONGEST_METADATA = 16, 64, 512
LONGEST_SESSION_ID = 256
"""OpenRouter refuses more and longer: https://openrouter.ai/docs/api-reference/overview."""


def _ignore() -> None:
    """Take no notice that the model thinks."""


class OpenRouter:
    """OpenRouter's API. Made once per container, so that the next call finds a connection open.

    `transport` replaces the network. `renewed` is asked when OpenRouter refused the key: it is given that one
    and returns the one to use from now on, which may be the same. Raises SettingsError when `api_key` cannot
    be a key.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        transport: httpx.BaseTransport | None = None,
        renewed: Callable[[str], str] | None = None,
    ) -> None:
        key = api_key.strip()  # pasted into a parameter store, a key often ends in a newline
        if not (key and key.isascii() and key.isprintable()):
            raise SettingsError("OPENROUTER_API_KEY: must be one line of plain ASCII")
        self._renewed = renewed or (lambda refused: refused)
        self._client = Late(
            lambda: httpx.Client(
                base_url=base_url,
                headers={
                    "Authorization": f"Bearer {key}",  # httpx shows this one to no one
                    "HTTP-Referer": APP_URL,
                    "X-OpenRouter-Title": APP_TITLE,
                    "Accept-Encoding": "identity",  # compressed, events would be held back
                },
                limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
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

    def attempt(
        self,
        call: Call,
        deadline: float,
        clock: Callable[[], float],
        on_generation: Callable[[str], None],
        on_text: Callable[[str], None],
        should_stop: Callable[[], bool],
        on_reasoning: Callable[[], None] = _ignore,
    ) -> Completion:
        """Send `call` once and hand out its text until it ends, `deadline` passes or `should_stop` says so.

        `deadline` and `clock` are in epoch seconds. `on_generation` comes once, as soon as the id is known
        and before any text; `on_reasoning` whenever the model thinks, so that a status can be kept alive;
        `should_stop` is asked whenever bytes come, so it must be quick. These are callbacks, not a generator
        of events, because whatever one of them raises closes the call, and stops its meter, at once; a
        generator that its consumer drops is closed only when it is collected.

        At the deadline and when stopped, what is known is returned; a call that was not even sent has used
        nothing, and says so. Raises CallFailed when the call failed before any text.
        """

        def interruption() -> Finish | None:
            if should_stop():
                return Finish.STOPPED
            return Finish.DEADLINE if clock() >= deadline else None

        if interrupted := interruption():
            return Completion("", "", "", interrupted, NOTHING_USED)
        response = self._send(call, deadline, clock)
        if response is None:
            return Completion("", "", "", Finish.DEADLINE, None)
        with _Cutoff(response, deadline - clock()) as cutoff:
            generation_id = safe_id(response.headers.get("x-generation-id"))
            if not _is_stream(response):
                status, headers = response.status_code, response.headers
                failure = classify(status, headers, _body_text(response), clock(), call.models)
                raise replace(failure, generation_id=generation_id)
            reply = IncomingCompletion(on_generation, on_text, on_reasoning)
            reply.identify(generation_id)
            interrupted = _follow(reply, response, cutoff, interruption)
        if interrupted is None and clock() >= deadline - CLOCK_TOLERANCE_S:
            interrupted = Finish.DEADLINE
        return reply.completion(interrupted, clock(), call.models)

    def generation(self, generation_id: str) -> GenerationCost | None:
        """Look up what a past call cost; None while OpenRouter does not know it.

        It appears some seconds to minutes after the call, later if the call was aborted. Raises
        ProviderUnavailable when there is no answer that can be read.
        """
        response, body = self._look_up("/generation", {"id": generation_id})
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        cost = read_generation(body.get("data"))
        if response.status_code != httpx.codes.OK or cost is None or cost.generation_id != generation_id:
            raise ProviderUnavailable(f"generation: HTTP {response.status_code}")
        return cost

    def key(self) -> KeyStanding:
        """Ask how our key stands. Raises ProviderUnavailable when there is no answer that can be read."""
        from router.domain.account import read_key  # noqa: PLC0415 - a cold worker has no use for it

        response, body = self._look_up("/key", {})
        standing = read_key(body.get("data"), told_at(response.headers))
        if response.status_code != httpx.codes.OK or standing is None:
            raise ProviderUnavailable(f"key: HTTP {response.status_code}")
        return standing

    def models(self) -> dict[str, Listing]:
        """Return all models by their ids: about a megabyte, so not to be asked for on the way to an answer.

        Our key is not shown: the list is everyone's. Raises ProviderUnavailable as above.
        """
        from router.domain.catalogue import read_catalogue  # noqa: PLC0415 - as above

        response, body = self._look_up("/models", {}, LONGEST_LIST, with_key=False)
        catalogue = read_catalogue(body.get("data"))
        if response.status_code != httpx.codes.OK or not catalogue:
            raise ProviderUnavailable(f"models: HTTP {response.status_code}")
        return catalogue

    def _look_up(
        self, path: str, asked: dict[str, str], longest: int = LONGEST_BODY, *, with_key: bool = True
    ) -> tuple[httpx.Response, dict[str, Any]]:
        """Read one thing; what is no JSON object counts as an empty one."""
        request = self._http.build_request("GET", path, params=asked, timeout=LOOKUP_TIMEOUT_S)
        try:
            if with_key:
                response = self._send_with_key(request)
            else:
                del request.headers["Authorization"]
                response = self._http.send(request, stream=True)
        except httpx.RequestError as error:
            raise ProviderUnavailable(f"{path[1:]}: {type(error).__name__}") from None
        with _Cutoff(response, LOOKUP_TIMEOUT_S):
            body = exact_json(_body_text(response, longest))
        return response, body if isinstance(body, dict) else {}

    def _send(self, call: Call, deadline: float, clock: Callable[[], float]) -> httpx.Response | None:
        """Send the call and return the reply with its body unread; None when the deadline came first."""
        left = deadline - clock()
        request = self._http.build_request(
            "POST",
            "/chat/completions",
            content=json.dumps(_body(call), ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json", "Accept": "text/event-stream"},
            timeout=httpx.Timeout(
                left, connect=min(left, CONNECT_TIMEOUT_S), write=min(left, WRITE_TIMEOUT_S)
            ),
        )
        try:
            return self._send_with_key(request)
        except httpx.RequestError as error:
            failure = classify_transport(error)
        if failure.billed is Billed.UNKNOWN and clock() >= deadline - CLOCK_TOLERANCE_S:
            return None
        raise failure  # outside of the handler, so that nothing of httpx's hangs on it

    def _send_with_key(self, request: httpx.Request) -> httpx.Response:
        """Send with our key; if it is refused, which costs nothing, with the one that took its place."""
        response = self._http.send(request, stream=True)
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return response
        refused = request.headers["Authorization"]
        newest = f"Bearer {self._renewed(refused.removeprefix('Bearer '))}"
        if newest == refused:
            return response
        response.close()
        self._http.headers["Authorization"] = request.headers["Authorization"] = newest
        return self._http.send(request, stream=True)


class _Cutoff:
    """Closes a response at the end, and ends a read that still waits when time is up.

    A time-out for reads cannot do that: httpx fixes it when the body begins, and each comment starts it anew.
    """

    def __init__(self, response: httpx.Response, seconds: float) -> None:
        stream = response.extensions.get("network_stream")
        self._response = response
        self._socket = None if stream is None else stream.get_extra_info("socket")
        self._lock = Lock()
        self._is_open = True
        self._timer: Timer | None = None
        self.after(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disarm()
        with self._lock:
            self._is_open = False
        self._response.close()

    def after(self, seconds: float) -> None:
        """Cut off after `seconds` from now, and no longer when it was said before."""
        self._disarm()
        if self._socket is not None:
            self._timer = Timer(max(0.0, seconds), self._shut, [self._socket])
            self._timer.daemon = True
            self._timer.start()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _shut(self, connection: socket.socket) -> None:
        with self._lock, suppress(OSError):
            if self._is_open:
                # The plain socket's method: a TLS socket's own takes its state away from under the reader.
                socket.socket.shutdown(connection, socket.SHUT_RD)


def _body(call: Call) -> dict[str, Any]:
    """Say the call in OpenRouter's words.

    Prices are strings, as in OpenRouter's specification. `max_tokens` is what providers advertise, though the
    specification prefers `max_completion_tokens`. Nothing of the context is to be left out unasked.
    """
    chain = {"model": call.models[0]} if len(call.models) == 1 else {"models": list(call.models)}
    metadata = list(call.metadata.items())[:MOST_METADATA]
    optional = {
        "reasoning": {"effort": call.reasoning_effort} if call.reasoning_effort else None,
        "user": call.user,
        "session_id": call.session_id[:LONGEST_SESSION_ID],
        "metadata": {name[:LONGEST_METADATA_NAME]: value[:LONGEST_METADATA] for name, value in metadata},
    }
    return {
        **chain,
        "messages": [dict(message) for message in call.messages],
        "max_tokens": call.max_tokens,
        "stream": True,
        "provider": {
            "max_price": {
                "prompt": f"{call.max_price_prompt_usd:f}",
                "completion": f"{call.max_price_completion_usd:f}",
            },
            "data_collection": "allow" if call.allow_data_collection else "deny",
        },
        "plugins": [{"id": "context-compression", "enabled": False}],
        **{name: value for name, value in optional.items() if value},
    }


def _follow(
    reply: IncomingCompletion,
    response: httpx.Response,
    cutoff: _Cutoff,
    interruption: Callable[[], Finish | None],
) -> Finish | None:
    """Read to the end of the body or to an interruption; return the latter."""
    for data in events(_chunks(response)):
        if data is not None:
            reply.take(data)
        if data == DONE:
            cutoff.after(DONE_GRACE_S)
        if not reply.is_done and (interrupted := interruption()):
            return interrupted
    return None


def _is_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return response.is_success and kind.startswith("text/event-stream")


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body as it comes; a connection that breaks ends it, and what came before counts."""
    with suppress(httpx.RequestError):
        yield from response.iter_bytes()


def _body_text(response: httpx.Response, longest: int = LONGEST_BODY) -> str:
    body = bytearray()
    for chunk in _chunks(response):
        body += chunk
        if len(body) > longest:
            break
    return body[:longest].decode("utf-8", "replace")
