"""What comes back from OpenRouter: every shape of a stream, every way to end, and what it cost."""

from __future__ import annotations

import contextlib
import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.adapters import sse as sse_reader
from router.adapters.openrouter import OpenRouter
from router.domain.completion import Completion, Finish, Usage, exact_json, read_usage
from router.errors import Billed, CallFailed, Remedy
from tests.openrouter_wire import (
    CALL,
    END,
    GENERATION,
    HEAD,
    KEY,
    LAST,
    NOW,
    USAGE,
    Caller,
    Loopback,
    chunk,
    chunked,
    error_event,
    loopback,
    replying,
    sse,
    streaming,
    text,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

USED = Usage(
    prompt_tokens=20,
    completion_tokens=7,
    reasoning_tokens=3,
    cached_tokens=4,
    cache_write_tokens=2,
    cost_usd=Decimal("0.0000055"),
)
KEEPALIVE = ": OPENROUTER PROCESSING\n\n"


def heard(*events: dict[str, Any] | str, done: bool = True) -> tuple[Completion, Caller]:
    """Attempt a call that is answered by these events."""
    caller = Caller()
    return caller.attempt(streaming(sse(*events, done=done))), caller


def failed(*events: dict[str, Any] | str, done: bool = True) -> CallFailed:
    """Attempt a call that fails with these events."""
    with pytest.raises(CallFailed) as caught:
        heard(*events, done=done)
    return caught.value


def test_a_whole_answer() -> None:
    """Text is handed out piece by piece, the id before it, and the end says who answered at what cost."""
    completion, caller = heard(chunk({"role": "assistant", "content": ""}), text("Hel"), text("lo"), LAST)

    assert caller.texts == ["Hel", "lo"]
    assert caller.generations == [GENERATION]
    assert completion == Completion(GENERATION, "openai/gpt-6-luna", "OpenAI", Finish.STOP, USED)


@pytest.mark.parametrize(
    "last",
    [
        LAST,
        chunk(choices=[], usage=USAGE),
        {"id": GENERATION, "usage": USAGE},
        chunk(choices=None, usage=USAGE),
    ],
    ids=["repeated", "empty", "absent", "null"],
)
def test_every_shape_of_the_usage_event(last: dict[str, Any]) -> None:
    """The cost comes after the finish reason, with one choice, none or without the field: it is read."""
    completion, _ = heard(text("Hi"), chunk({"content": ""}, finish="stop"), last)

    assert (completion.finish, completion.usage, completion.oddities) == (Finish.STOP, USED, ())


def test_the_last_usage_counts() -> None:
    """Where a provider counts along, only what it says last is the bill."""
    so_far = {**USAGE, "completion_tokens": 1, "cost": 0.0000025}
    completion, _ = heard(chunk({"content": "Hi"}, usage=so_far), text("!"), LAST)

    assert completion.usage == USED


def test_comments_and_blank_lines_are_nothing() -> None:
    """Keep-alives before and between events change nothing."""
    completion, caller = heard(KEEPALIVE, KEEPALIVE, "\n\n", text("Hi"), KEEPALIVE, "event: x\nid: 1\n", LAST)

    assert (caller.texts, completion.finish, completion.oddities) == (["Hi"], Finish.STOP, ())


def test_bytes_that_arrive_one_by_one() -> None:
    """Where the network cuts the stream, also inside a character, does not matter."""
    whole = sse(text("café "), KEEPALIVE, text("\U0001f600\u2028x\x85y"), LAST).replace(
        b"\\u00e9", "é".encode()
    )
    caller = Caller()

    completion = caller.attempt(streaming(*(whole[n : n + 1] for n in range(len(whole)))))

    assert "".join(caller.texts) == "café \U0001f600\u2028x\x85y"
    assert completion.usage == USED


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_of_the_standard(line_end: str) -> None:
    """Events are told apart whichever of the three line ends a proxy leaves."""
    caller = Caller()

    completion = caller.attempt(streaming(sse(text("a"), text("b"), LAST).replace(b"\n", line_end.encode())))

    assert (caller.texts, completion.usage) == (["a", "b"], USED)


def test_characters_that_only_look_like_line_ends_stand_in_text() -> None:
    """U+2028 and its like, unescaped inside JSON, do not end a line."""
    event = json.dumps(text("a\u2028b\u2029c\x85d"), ensure_ascii=False)
    _, caller = heard(f"data: {event}\n\n", LAST)

    assert caller.texts == ["a\u2028b\u2029c\x85d"]


def test_an_event_may_have_several_lines() -> None:
    """Lines of one event belong together."""
    lines = json.dumps(text("Hi"), indent=1).split("\n")
    _, caller = heard("".join(f"data: {line}\n" for line in lines) + "\n", LAST)

    assert caller.texts == ["Hi"]


@pytest.mark.parametrize("broken", ["{", "null", "[1]", "hello", '{"a":' + "9" * 5000 + "}", "[" * 20_000])
def test_an_event_that_cannot_be_read_is_passed_over(broken: str) -> None:
    """A broken event costs no answer: the others count, and the oddity is told."""
    completion, caller = heard(text("Hel"), f"data: {broken}\n\n", text("lo"), LAST)

    assert "".join(caller.texts) == "Hello"
    assert (completion.usage, completion.oddities) == (USED, ("unreadable_event",))


def test_an_endless_line_does_not_fill_the_memory() -> None:
    """An event that is absurdly long is cut and passed over."""

    def parts() -> Iterator[bytes]:
        yield sse(text("Hi"), done=False) + b'data: {"x":"'
        for _ in range(40):
            yield b"x" * 100_000
        yield b'"}\n\n' + sse(LAST)

    caller = Caller()

    completion = caller.attempt(streaming(*parts()))

    assert (caller.texts, completion.usage, completion.oddities) == (["Hi"], USED, ("unreadable_event",))


def test_thinking_is_not_text() -> None:
    """While the model reasons, the caller hears that it does and gets no words of it."""
    thought = chunk({"content": "", "reasoning": "hmm", "reasoning_details": [{"type": "reasoning.text"}]})
    details = chunk(
        {"content": None, "reasoning": None, "reasoning_details": [{"type": "reasoning.encrypted"}]}
    )
    _, caller = heard(thought, details, text("Hi"), LAST)

    assert (caller.thoughts, caller.texts) == (2, ["Hi"])


def test_a_refusal_is_text() -> None:
    """What a model says instead of an answer is shown as what it said."""
    _, caller = heard(chunk({"content": None, "refusal": "I can't help with that."}), LAST)

    assert caller.texts == ["I can't help with that."]


def test_nothing_but_thoughts_until_the_tokens_ran_out() -> None:
    """An answer without a word that ended by length is a completion: it was billed, the caller sees it."""
    last = chunk({"content": ""}, finish="length", usage=USAGE)
    completion, caller = heard(chunk({"reasoning": "hmm"}), last)

    assert (caller.texts, completion.finish, completion.usage) == ([], Finish.LENGTH, USED)


@pytest.mark.parametrize(
    ("reason", "finish", "oddities"),
    [
        ("stop", Finish.STOP, ()),
        ("length", Finish.LENGTH, ()),
        ("content_filter", Finish.CONTENT_FILTER, ()),
        ("tool_calls", Finish.TOOL_CALLS, ()),
        ("eos", Finish.STOP, ("unknown_finish_reason",)),
        (None, Finish.STOP, ("no_finish_reason",)),
        ({"x": 1}, Finish.STOP, ("no_finish_reason",)),
    ],
)
def test_why_it_ended(reason: Any, finish: Finish, oddities: tuple[str, ...]) -> None:
    """Each finish reason is told; one that is new or missing is an end all the same, and odd."""
    completion, _ = heard(text("Hi"), chunk({}, finish=reason, usage=USAGE))

    assert (completion.finish, completion.oddities) == (finish, oddities)


def test_an_id_that_comes_only_with_the_first_event() -> None:
    """Without the header the id of the first event counts, before its text is handed out."""
    order: list[str] = []
    openrouter = OpenRouter(
        "https://openrouter.test/api/v1",
        KEY,
        streaming(sse(text("Hi"), LAST), headers={"x-generation-id": "not an id\t"}),
    )

    completion = openrouter.attempt(CALL, NOW + 9, lambda: NOW, order.append, order.append, lambda: False)

    assert order == [GENERATION, "Hi"]
    assert completion.generation_id == GENERATION


def test_the_id_is_known_before_the_body() -> None:
    """The id is told when the headers are there, while the body is still to come."""
    caller = Caller()

    def parts() -> Iterator[bytes]:
        assert caller.generations == [GENERATION]
        yield sse(text("Hi"), LAST)

    head = {"content-type": "text/event-stream", "x-generation-id": GENERATION}
    caller.attempt(httpx.MockTransport(lambda _: httpx.Response(200, headers=head, content=parts())))

    assert caller.texts == ["Hi"]


def test_a_stream_that_is_cut() -> None:
    """A connection that ends early leaves a completion: what was shown counts, the cost is unknown."""
    completion, caller = heard(text("Hel"), text("lo"), done=False)

    assert caller.texts == ["Hel", "lo"]
    assert (completion.finish, completion.usage, completion.oddities) == (Finish.CUT, None, ("no_usage",))


def test_a_stream_that_is_cut_between_the_end_and_the_cost() -> None:
    """The answer is whole, only its cost is missing."""
    completion, _ = heard(text("Hi"), chunk({}, finish="stop"), done=False)

    assert (completion.finish, completion.usage, completion.oddities) == (Finish.STOP, None, ("no_usage",))


def test_the_last_event_counts_without_its_blank_line() -> None:
    """A usage event whose bytes are all there counts, though the connection ended just then."""
    caller = Caller()

    completion = caller.attempt(streaming(sse(text("Hi"), LAST, done=False).rstrip(b"\n")))

    assert completion.usage == USED


@pytest.mark.parametrize(
    "events",
    [
        (),
        (KEEPALIVE, KEEPALIVE),
        ("data: {\n\n", "data: null\n\n"),
        ("data: [DONE]\n\n",),
        (chunk({}), "data: [DONE]\n\n"),
    ],
    ids=["nothing", "comments", "unreadable", "only the end", "neither text nor reason nor usage"],
)
def test_a_stream_that_says_nothing(events: tuple[Any, ...]) -> None:
    """What ends before it says anything that can be read has failed, and may have been billed."""
    failure = failed(*events, done=False)

    assert (failure.code, failure.remedy, failure.billed) == ("empty_reply", Remedy.FALLBACK, Billed.UNKNOWN)
    assert failure.generation_id == GENERATION


def test_an_empty_answer_without_a_reason_is_free() -> None:
    """No text and no finish reason, but usage that says so: OpenRouter bills nothing, so it is repeated."""
    nothing = {"prompt_tokens": 20, "completion_tokens": 0, "cost": 0}
    failure = failed(chunk({"content": ""}), chunk({}, usage=nothing))

    assert (failure.code, failure.remedy, failure.billed) == ("no_content", Remedy.RETRY, Billed.NO)


def test_an_empty_answer_that_was_billed_is_not_just_repeated() -> None:
    """If the usage states a cost after all, the failure carries it."""
    failure = failed(chunk({"content": ""}), chunk({}, usage=USAGE))

    assert (failure.remedy, failure.billed, failure.cost_usd) == (Remedy.FALLBACK, Billed.YES, USED.cost_usd)


def test_an_error_as_the_first_event() -> None:
    """An error within a 200 and before any text is a failure like any other, and names the generation."""
    failure = failed(KEEPALIVE, error_event(429, "slow down", error_type="rate_limit_exceeded"), done=False)

    assert (failure.code, failure.status, failure.billed) == ("rate_limited", 429, Billed.NO)
    assert failure.generation_id == GENERATION


def test_an_error_after_thoughts_alone() -> None:
    """Reasoning is not text: nothing was shown, so the call may be made again."""
    failure = failed(chunk({"reasoning": "hmm"}), error_event(502), done=False)

    assert (failure.code, failure.remedy) == ("provider_failed", Remedy.RETRY)


def test_an_error_after_text() -> None:
    """Text that was shown stays: the end is a completion that says an error came."""
    completion, caller = heard(text("Hel"), error_event(502), done=False)

    assert (caller.texts, completion.finish, completion.usage) == (["Hel"], Finish.ERROR, None)
    assert completion.oddities == ("no_usage",)


@pytest.mark.parametrize("where", ["beside", "after"])
def test_the_cost_of_an_error_is_read(where: str) -> None:
    """Usage that comes with an error or after it is not lost, with text or without."""
    error = error_event(502)
    events = ({**error, "usage": USAGE},) if where == "beside" else (error, chunk(choices=[], usage=USAGE))

    completion, _ = heard(text("Hel"), *events)
    failure = failed(*events)

    assert (completion.finish, completion.usage) == (Finish.ERROR, USED)
    assert (failure.billed, failure.cost_usd) == (Billed.YES, USED.cost_usd)
    assert failure.remedy is Remedy.FALLBACK


def test_a_model_that_left_the_chain_is_named_within_a_stream() -> None:
    """The failure of an event knows the call's chain."""
    failure = failed(error_event(400, f"{CALL.models[2]} is not a valid model ID"))

    assert (failure.remedy, failure.model) == (Remedy.DROP_MODEL, CALL.models[2])


def test_an_error_reply() -> None:
    """A reply that is no stream is classified, with its generation's id if it has one."""
    body = {"error": {"code": 504, "message": "…", "metadata": {"error_type": "timeout"}}}
    with pytest.raises(CallFailed) as caught:
        Caller().attempt(replying(504, body, {"X-Generation-Id": GENERATION}))

    failure = caught.value
    assert (failure.code, failure.billed, failure.generation_id) == ("timed_out", Billed.UNKNOWN, GENERATION)


def test_an_error_inside_a_200() -> None:
    """JSON with nothing but an error, after white space that kept the line open, is that error."""
    body = "\n \n" + json.dumps({"error": {"code": 402, "message": "You can only afford 500."}})
    with pytest.raises(CallFailed) as caught:
        Caller().attempt(replying(200, body, {"content-type": "application/json"}))

    assert (caught.value.remedy, caught.value.affordable_tokens) == (Remedy.SHRINK, 500)


def test_a_page_instead_of_a_stream() -> None:
    """HTML with a 200, as a captive portal sends it, is no answer; nobody knows what happened behind it."""
    with pytest.raises(CallFailed) as caught:
        Caller().attempt(replying(200, "<html>" + "x" * 1_000_000))

    assert (caught.value.code, caught.value.billed) == ("unreadable_reply", Billed.UNKNOWN)


def test_no_text_of_the_provider_is_in_a_failure() -> None:
    """What an error says, and what was asked, stay out of the exception."""
    failure = failed(error_event(502, "secret of the provider", raw="secret", provider_name="secret"))

    assert "secret" not in f"{failure} {failure!r} {failure.args}"


def test_stopped() -> None:
    """When the caller wants no more, what came is kept, nothing more is read and the cost is unknown."""
    caller = Caller(stop_after=2)
    never = iter([sse(text("a"), text("b"), done=False), sse(text("c"), LAST)])

    completion = caller.attempt(streaming(*never))

    assert caller.texts == ["a", "b"]
    assert (completion.finish, completion.usage, completion.oddities) == (Finish.STOPPED, None, ())


def test_stopped_within_one_piece_of_the_network() -> None:
    """The flag is looked at between events, also when many arrive at once."""
    caller = Caller(stop_after=3)

    caller.attempt(streaming(sse(*(text(str(n)) for n in range(100)), LAST)))

    assert caller.texts == ["0", "1", "2"]


def test_stopped_after_the_end_is_an_end() -> None:
    """An answer that was complete when the stop came is complete."""
    caller = Caller(stop_after=1)

    completion = caller.attempt(
        streaming(sse(chunk({"content": "Hi"}, finish="stop"), done=False), sse(LAST))
    )

    assert completion.finish is Finish.STOP


def test_the_deadline_with_text() -> None:
    """Time runs while text comes: what was handed out stays, and the end says why."""
    moments = iter([NOW, *(NOW + n for n in range(1000))])
    caller = Caller()

    completion = caller.attempt(
        streaming(*(sse(text("x"), done=False) for _ in range(1000))), seconds=10, clock=lambda: next(moments)
    )

    assert 1 <= len(caller.texts) < 10
    assert (completion.finish, completion.usage) == (Finish.DEADLINE, None)
    assert completion.generation_id == GENERATION


def test_the_deadline_while_only_comments_come() -> None:
    """Keep-alives keep the line open and not the call."""
    moments = iter([NOW, *(NOW + n for n in range(1000))])
    caller = Caller()

    completion = caller.attempt(
        streaming(*([KEEPALIVE.encode()] * 1000)), seconds=10, clock=lambda: next(moments)
    )

    assert (caller.texts, completion.finish, completion.usage) == ([], Finish.DEADLINE, None)


def test_a_stall_ends_at_the_deadline() -> None:
    """A server that falls silent is cut off on time, though each comment before renewed the time-out."""

    def stall(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(HEAD + chunked(sse(text("Hi"), done=False)))
        for _n in range(5):
            time.sleep(0.03)
            connection.sendall(chunked(KEEPALIVE.encode()))
        connection.recv(1)

    caller = Caller()
    began = time.monotonic()
    with loopback(stall) as server:
        completion = caller.attempt(None, base_url=server.url, seconds=0.25)
        took_s = time.monotonic() - began
        assert server.hung_up.wait(2), "the connection is closed, so that the meter stops"

    assert (caller.texts, completion.finish, completion.oddities) == (["Hi"], Finish.DEADLINE, ())
    assert 0.2 < took_s < 2


def test_a_stall_in_an_error_reply_ends_at_the_deadline() -> None:
    """An error whose body never ends is judged by what came of it."""

    def stall(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 999\r\n\r\n{")
        connection.recv(1)

    with loopback(stall) as server, pytest.raises(CallFailed) as caught:
        Caller().attempt(None, base_url=server.url, seconds=0.2)

    assert (caught.value.remedy, caught.value.retry_after_s) == (Remedy.WAIT, 3)


def test_a_connection_that_is_left_open_after_the_end() -> None:
    """[DONE] is the end: who does not close the body keeps nobody waiting until the deadline."""

    def linger(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(HEAD + chunked(sse(text("Hi"), LAST)))
        connection.recv(1)

    began = time.monotonic()
    with loopback(linger) as server:
        completion = Caller().attempt(None, base_url=server.url, seconds=60)

    assert (completion.finish, completion.usage) == (Finish.STOP, USED)
    assert time.monotonic() - began < 5


def test_a_real_cut() -> None:
    """A connection that is torn inside a chunk leaves what came before."""

    def tear(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(HEAD + chunked(sse(text("Hel"), text("lo"), done=False)) + b"ff\r\ndata: {")
        connection.close()

    caller = Caller()
    with loopback(tear) as server:
        completion = caller.attempt(None, base_url=server.url)

    assert "".join(caller.texts) == "Hello"
    assert completion.finish is Finish.CUT


def test_stopping_closes_the_connection() -> None:
    """A stop is heard by the server, which may stop its meter."""

    def talk(connection: socket.socket, seen: Loopback) -> None:
        connection.sendall(HEAD)
        while not seen.hung_up.is_set():
            connection.sendall(chunked(sse(text("x"), done=False)))
            time.sleep(0.01)

    with loopback(talk) as server:
        completion = Caller(stop_after=3).attempt(None, base_url=server.url)
        assert server.hung_up.wait(2)

    assert completion.finish is Finish.STOPPED


class Watched(httpx.SyncByteStream):
    """A body that knows whether it was closed."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


@pytest.mark.parametrize("stop_after", [1, 99])
@pytest.mark.parametrize("status", [200, 500])
def test_every_reply_is_closed(stop_after: int, status: int) -> None:
    """Stopped, read to its end or refused: no reply is left open for the collector to find."""
    body = Watched(sse(text("a"), done=False), sse(text("b"), LAST))
    head = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=head, stream=body))

    with contextlib.suppress(CallFailed):
        Caller(stop_after=stop_after).attempt(transport)

    assert body.is_closed


def test_what_a_callback_raises_closes_the_connection() -> None:
    """An error of the caller's own passes through as it is, and the call does not run on behind it."""

    def talk(connection: socket.socket, seen: Loopback) -> None:
        connection.sendall(HEAD)
        while not seen.hung_up.is_set():
            connection.sendall(chunked(sse(text("x"), done=False)))
            time.sleep(0.01)

    def refuse(_: str) -> None:
        raise httpx.ReadError("the caller's own")

    with loopback(talk) as server:
        openrouter = OpenRouter(server.url, KEY)
        with pytest.raises(httpx.ReadError, match="own"):
            openrouter.attempt(CALL, NOW + 9, lambda: NOW, lambda _: None, refuse, lambda: False)
        assert server.hung_up.wait(2)
        openrouter.close()


def test_the_next_call_after_an_abort_works() -> None:
    """An aborted call takes its connection with it; the next opens another."""

    def answer(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(HEAD + chunked(sse(text("a"), text("b"), LAST)) + END)

    first: list[str] = []
    second: list[str] = []
    with loopback(answer) as server:
        openrouter = OpenRouter(server.url, KEY)
        openrouter.attempt(CALL, NOW + 9, lambda: NOW, lambda _: None, first.append, lambda: bool(first))
        openrouter.attempt(CALL, NOW + 9, lambda: NOW, lambda _: None, second.append, lambda: False)
        openrouter.close()

    assert (first, second) == (["a"], ["a", "b"])


COSTS = [
    ({"cost": 0}, Decimal(0), ()),
    ({"cost": 0.000123}, Decimal("0.000123"), ()),
    ({"cost": 1e-7}, Decimal("1e-7"), ()),
    ({}, None, ("no_cost",)),
    ({"cost": None}, None, ("no_cost",)),
    ({"cost": -0.01}, None, ("negative_cost",)),
    ({"cost": 1001}, None, ("absurd_cost",)),
    ({"cost": 10**400}, None, ("absurd_cost",)),
    ({"cost": float("nan")}, None, ("unreadable_cost",)),
    ({"cost": float("inf")}, None, ("unreadable_cost",)),
    ({"cost": True}, None, ("unreadable_cost",)),
    ({"cost": "a lot"}, None, ("unreadable_cost",)),
    ({"cost": {"usd": 1}}, None, ("unreadable_cost",)),
    ({"cost": 0.1, "prompt_tokens": 0, "completion_tokens": 0}, Decimal("0.1"), ("cost_without_tokens",)),
    ({"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}, Decimal("0.1"), ()),
    ({"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": 2}}, Decimal("2.1"), ()),
    ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, Decimal("0.2"), ()),
    ({"cost": 0.1, "is_byok": True}, None, ("no_upstream_cost",)),
    (
        {"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": -1}},
        None,
        ("negative_cost",),
    ),
    ({"cost": 0.1, "is_byok": "true", "cost_details": {"upstream_inference_cost": 2}}, Decimal("0.1"), ()),
    ({"cost": 0.1, "prompt_tokens": -5}, Decimal("0.1"), ("bad_token_count",)),
    ({"cost": 0.1, "prompt_tokens": 1.5}, Decimal("0.1"), ("bad_token_count",)),
    ({"cost": 0.1, "completion_tokens_details": []}, Decimal("0.1"), ()),
]


@pytest.mark.parametrize(("usage", "cost_usd", "oddities"), COSTS)
def test_what_a_call_cost(usage: dict[str, Any], cost_usd: Decimal | None, oddities: tuple[str, ...]) -> None:
    """Costs are exact, a provider's own bill is added only where it is one, and what cannot be is no cost."""
    tokens = {"prompt_tokens": 20, "completion_tokens": 7}
    completion, _ = heard(text("Hi"), chunk({}, finish="stop", usage={**tokens, **usage}))

    assert completion.usage is not None
    assert (completion.usage.cost_usd, completion.oddities) == (cost_usd, oddities)


def test_a_cost_keeps_all_of_its_digits() -> None:
    """Dollars never pass through binary fractions."""
    usage, _ = read_usage(exact_json('{"cost": 0.12345678901234567890123, "prompt_tokens": 1}'))

    assert usage is not None
    assert usage.cost_usd == Decimal("0.12345678901234567890123")


def test_a_number_beyond_all_bounds_is_no_number() -> None:
    """An exponent that no decimal has does not cost the rest of the event."""
    usage, oddities = read_usage(exact_json('{"cost": 1e-99999999999999999999, "prompt_tokens": 1}'))

    assert usage is not None
    assert (usage.cost_usd, usage.prompt_tokens, oddities) == (None, 1, ("unreadable_cost",))


def test_names_that_are_too_long_or_cannot_be_shown() -> None:
    """A model's name is cut, one with control characters is left out; the answer is kept."""
    completion, _ = heard(
        chunk({"content": "Hi"}, model="m" * 5000, provider="a\nb"),
        chunk({}, "stop", model=7, provider=None),
    )

    assert (len(completion.model), completion.provider) == (200, "")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "id": ANYTHING,
        "model": ANYTHING,
        "provider": ANYTHING,
        "usage": ANYTHING | st.dictionaries(st.sampled_from([*USAGE]), ANYTHING),
        "error": ANYTHING,
        "choices": ANYTHING
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": ANYTHING
                    | st.dictionaries(st.sampled_from(["content", "reasoning", "refusal"]), ANYTHING),
                    "finish_reason": ANYTHING,
                    "error": ANYTHING,
                },
            ),
            max_size=2,
        ),
    },
)


@given(events=st.lists(EVENT, max_size=4), done=st.booleans())
def test_any_stream_ends_in_order(events: list[dict[str, Any]], done: bool) -> None:
    """Whatever JSON comes, the end is a completion, or a failure if no text was handed out."""
    caller = Caller()
    try:
        completion = caller.attempt(streaming(sse(*events, done=done)))
    except CallFailed:
        assert not caller.texts
    else:
        assert completion.usage is None or isinstance(completion.usage.cost_usd, Decimal | None)
        assert all(isinstance(piece, str) and piece for piece in caller.texts)


@given(whole=st.binary(max_size=200), cut=st.integers(0, 200))
def test_how_bytes_are_cut_changes_no_event(whole: bytes, cut: int) -> None:
    """Any bytes at all, cut anywhere, give the same events, and one pause for each piece."""
    at_once = [data for data in sse_reader.events([whole]) if data is not None]
    in_two = list(sse_reader.events([whole[:cut], whole[cut:]]))

    assert [data for data in in_two if data is not None] == at_once
    assert in_two.count(None) == 2
