"""Calling: retries and fallbacks within what is reserved, against OpenRouter's real replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from playground.clock import ManualClock
from playground.openrouter import Reply, ScriptedOpenRouter, refusals
from playground.openrouter.app import PLAYGROUND_KEY
from playground.serving import serve
from router.adapters.openrouter import OpenRouter
from router.calling import LONGEST_WAIT_S, MOST_ATTEMPTS, Caller, Errand, Listening
from router.domain.completion import Call, Completion, Finish
from router.domain.estimate import prompt_token_bound, worst_case_usd
from router.domain.ladder import Ladder, Tier
from router.domain.thread import Prompt
from router.errors import Billed, CallFailed, Remedy
from tests.openrouter_wire import GENERATION, KEY, LAST, NOW, error_event, sse, text

PREMIUM = Tier(
    name="premium",
    models=("anthropic/claude-sonnet-5.5", "openai/gpt-6.1-sol", "google/gemini-4-argon"),
    max_price_prompt_usd=Decimal("2.5"),
    max_price_completion_usd=Decimal("12.5"),
    max_tokens=3000,
    max_prompt_tokens=90_000,
    reasoning_effort="low",
)
STANDARD = Tier(
    name="standard",
    models=("openai/gpt-6.1-terra", "mistralai/mistral-large-4-0"),
    max_price_prompt_usd=Decimal("1.25"),
    max_price_completion_usd=Decimal("6.25"),
    max_tokens=2500,
    max_prompt_tokens=50_000,
)
ECONOMY = Tier(
    name="economy",
    models=("openai/gpt-6-luna",),
    max_price_prompt_usd=Decimal("0.2"),
    max_price_completion_usd=Decimal("0.75"),
    max_tokens=1500,
    max_prompt_tokens=20_000,
)
LADDER = Ladder((PREMIUM, STANDARD, ECONOMY))

USEFUL = 400
SECONDS = 120.0
MESSAGES = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "U0ADA: why?"})

ANSWER = sse(text("Forty"), text("-two."), LAST)
"""A stream that ends well."""

Scripted = Reply | bytes | type[httpx.TransportError] | Callable[[httpx.Request], httpx.Response]


def a_prompt(tier: Tier) -> Prompt:
    """Make the prompt of a tier; its last word is the tier's name."""
    messages = (*MESSAGES, {"role": "user", "content": tier.name})
    return Prompt(messages, prompt_token_bound(messages), 0, ())


def an_errand(tier: Tier = PREMIUM, seconds: float = SECONDS, **changes: Any) -> Errand:
    """Make the errand of a tier: what is reserved is just its worst case."""
    max_tokens = changes.pop("max_tokens", tier.max_tokens)
    prompt_for = changes.pop("prompt_for", a_prompt)
    prompt = prompt_for(tier)
    call = Call(
        models=tier.models,
        messages=prompt.messages,
        max_tokens=max_tokens,
        max_price_prompt_usd=tier.max_price_prompt_usd,
        max_price_completion_usd=tier.max_price_completion_usd,
        reasoning_effort=tier.reasoning_effort,
        user="u-5f2a",
        session_id="s-1",
        metadata={"reservation": "r1", "tier": tier.name},
    )
    errand = Errand(
        tier=tier,
        call=call,
        reserved_usd=worst_case_usd(tier, prompt.tokens, max_tokens),
        useful_tokens=USEFUL,
        deadline=NOW + seconds,
        prompt_for=prompt_for,
    )
    return replace(errand, **changes)


@dataclass
class Provider:
    """OpenRouter with a script on the wire, one entry a call, and the caller under test in front of it.

    Time passes where the caller sleeps, and `seconds_a_call` with every call.
    """

    script: Sequence[Scripted]
    ladder: Ladder = LADDER
    seconds_a_call: float = 0.0
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    is_stopped: bool = False

    def call(self, errand: Errand) -> tuple[Tier, Completion]:
        """Let the caller do its errand."""
        openrouter = OpenRouter("https://openrouter.test/api/v1", KEY, httpx.MockTransport(self._reply))
        caller = Caller(openrouter, self.ladder, clock=self.clock.now, sleep=self._sleep)
        listening = Listening(self.generations.append, self.texts.append, lambda: self.is_stopped)
        try:
            return caller.call(errand, listening)
        finally:
            openrouter.close()

    def failure(self, errand: Errand) -> CallFailed:
        """Let the caller do an errand that must fail."""
        with pytest.raises(CallFailed) as caught:
            self.call(errand)
        return caught.value

    @property
    def asked(self) -> list[list[str]]:
        """The models of each call so far."""
        return [body.get("models") or [body["model"]] for body in self.bodies]

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock.advance(seconds)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        self.clock.advance(self.seconds_a_call)
        scripted = self.script[len(self.bodies) - 1]
        if isinstance(scripted, Reply):
            head = {**dict(scripted.headers), "content-type": scripted.media_type}
            return httpx.Response(scripted.status, headers=head, content=scripted.body)
        if isinstance(scripted, bytes):
            head = {"content-type": "text/event-stream", "x-generation-id": GENERATION}
            return httpx.Response(200, headers=head, content=scripted)
        if isinstance(scripted, type):
            raise scripted("broken", request=request)
        return scripted(request)


def models_of(*tiers: Tier) -> list[list[str]]:
    """List the chains of some tiers."""
    return [list(tier.models) for tier in tiers]


# The plain way


def test_an_answer_comes_from_the_reserved_tier() -> None:
    """One call, with the caps, the length and the chain that were reserved."""
    provider = Provider([ANSWER])
    tier, completion = provider.call(an_errand(max_tokens=2000))
    assert tier is PREMIUM
    assert (completion.finish, completion.usage and completion.usage.cost_usd) == (
        Finish.STOP,
        Decimal("0.0000055"),
    )
    assert "".join(provider.texts) == "Forty-two."
    assert provider.generations == [GENERATION]
    (body,) = provider.bodies
    assert (body["models"], body["max_tokens"]) == (list(PREMIUM.models), 2000)
    assert body["provider"]["max_price"] == {"prompt": "2.5", "completion": "12.5"}
    assert provider.sleeps == []


# Retries


@pytest.mark.parametrize(
    "reply", [refusals.provider_down(), refusals.internal_error(), refusals.overloaded()]
)
def test_what_broke_is_asked_once_more(reply: Reply) -> None:
    """The same models, after a moment: most failures pass."""
    provider = Provider([reply, ANSWER])
    tier, _ = provider.call(an_errand())
    assert tier is PREMIUM
    assert provider.asked == models_of(PREMIUM, PREMIUM)
    assert provider.bodies[0] == provider.bodies[1]
    assert len(provider.sleeps) == 1
    assert 0 < provider.sleeps[0] <= 1


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.WriteError])
def test_what_was_never_sent_is_sent_again(error: type[httpx.TransportError]) -> None:
    """No connection, no bill."""
    provider = Provider([error, ANSWER])
    assert provider.call(an_errand())[0] is PREMIUM
    assert provider.asked == models_of(PREMIUM, PREMIUM)


def test_each_tier_is_retried_once() -> None:
    """A second failure is the next tier's turn, which has a retry of its own; the last failure is told."""
    provider = Provider([refusals.provider_down()] * 5 + [refusals.overloaded()])
    failure = provider.failure(an_errand())
    assert provider.asked == models_of(PREMIUM, PREMIUM, STANDARD, STANDARD, ECONOMY, ECONOMY)
    assert (failure.status, failure.remedy, failure.billed) == (529, Remedy.RETRY, Billed.NO)


# Models that are gone


def test_a_retired_model_is_dropped_from_the_chain() -> None:
    """At once and without counting as a retry; the others keep their order."""
    gone = refusals.unknown_model("openai/gpt-6.1-sol")
    provider = Provider([gone, refusals.provider_down(), ANSWER])
    tier, _ = provider.call(an_errand())
    rest = [m for m in PREMIUM.models if m != "openai/gpt-6.1-sol"]
    assert tier is PREMIUM
    assert provider.asked == [list(PREMIUM.models), rest, rest]
    assert len(provider.sleeps) == 1


def test_a_model_is_dropped_after_a_retry_too() -> None:
    """That something broke before does not make a dead model alive."""
    provider = Provider([refusals.provider_down(), refusals.unknown_model(PREMIUM.models[0]), ANSWER])
    assert provider.call(an_errand())[0] is PREMIUM
    assert provider.asked[-1] == list(PREMIUM.models[1:])


def test_a_chain_without_models_is_a_fallback() -> None:
    """When the last one is dropped too, the next tier down is asked."""
    provider = Provider([*map(refusals.unknown_model, STANDARD.models), ANSWER])
    tier, _ = provider.call(an_errand(STANDARD))
    assert tier is ECONOMY
    assert provider.asked == [list(STANDARD.models), [STANDARD.models[1]], list(ECONOMY.models)]


def test_a_model_that_is_not_ours_is_not_dropped() -> None:
    """An error that names no model of the chain leaves the chain alone; another tier is asked, whole."""
    provider = Provider([refusals.unknown_model("vendor/other"), ANSWER])
    assert provider.call(an_errand())[0] is STANDARD
    assert provider.asked == models_of(PREMIUM, STANDARD)


# Shorter answers


def test_an_answer_is_shortened_to_what_the_account_affords() -> None:
    """The same models with fewer tokens, as far as that is still useful."""
    for affordable in (500, USEFUL):
        provider = Provider([refusals.can_only_afford(3000, affordable), ANSWER])
        assert provider.call(an_errand())[0] is PREMIUM
        assert [body["max_tokens"] for body in provider.bodies] == [3000, affordable]


def test_an_answer_is_never_made_longer() -> None:
    """What the account could afford is no reason to spend more than was reserved."""
    provider = Provider([refusals.can_only_afford(3000, 9000), ANSWER])
    provider.call(an_errand(max_tokens=600))
    assert [body["max_tokens"] for body in provider.bodies] == [600, 600]


def test_a_useless_length_is_a_fallback() -> None:
    """Below the useful length a cheaper tier gives the better answer, at the length that was reserved."""
    provider = Provider([refusals.can_only_afford(3000, USEFUL - 1), ANSWER])
    assert provider.call(an_errand())[0] is STANDARD
    assert [body["max_tokens"] for body in provider.bodies] == [3000, STANDARD.max_tokens]


def test_shortening_counts_as_the_retry() -> None:
    """An account that affords less and less does not get shorter and shorter questions."""
    provider = Provider([refusals.can_only_afford(3000, 900), refusals.can_only_afford(900, 800), ANSWER])
    assert provider.call(an_errand())[0] is STANDARD


# Waiting


@pytest.mark.parametrize("reply", [refusals.in_flight_budget(4), refusals.none_available(4)])
def test_a_busy_provider_is_waited_for(reply: Reply) -> None:
    """As long as it asks, then the same again."""
    provider = Provider([reply, ANSWER])
    assert provider.call(an_errand())[0] is PREMIUM
    assert (provider.sleeps, provider.asked) == ([4.0], models_of(PREMIUM, PREMIUM))


def test_a_rate_limit_is_waited_for_once() -> None:
    """Who is still busy after the wait is left for the next tier."""
    provider = Provider([refusals.shared_pool_limit(2), refusals.shared_pool_limit(2), ANSWER])
    assert provider.call(an_errand())[0] is STANDARD
    assert provider.sleeps == [2.0]


@pytest.mark.parametrize("seconds", [LONGEST_WAIT_S + 1, 3600])
def test_a_long_wait_is_not_waited(seconds: float) -> None:
    """A person is waiting too: the next tier is asked at once."""
    provider = Provider([refusals.shared_pool_limit(int(seconds)), ANSWER])
    assert provider.call(an_errand())[0] is STANDARD
    assert provider.sleeps == []


def test_a_wait_beyond_the_deadline_is_not_waited() -> None:
    """What time is left is used for another tier."""
    provider = Provider([refusals.shared_pool_limit(5), ANSWER])
    assert provider.call(an_errand(seconds=4.0))[0] is STANDARD
    assert provider.sleeps == []


def test_no_wait_makes_a_call_late() -> None:
    """Retries and waits end before the deadline, in whatever order they come."""
    provider = Provider(
        [refusals.shared_pool_limit(3), refusals.shared_pool_limit(3), refusals.provider_down()] * 3
    )
    provider.failure(an_errand(seconds=5.0))
    assert provider.clock.now() < NOW + 5.0


# Fallbacks


@pytest.mark.parametrize(
    "reply",
    [
        refusals.unavailable("no_endpoints"),
        refusals.unavailable("model_deprecated"),
        refusals.unavailable("constraint_filtered"),
        refusals.harness_only(),
        refusals.reasoning_mandatory(),
        refusals.shared_pool_limit(),
        refusals.context_exceeded(8000, 9000, 3000),
        refusals.free_daily_limit(int(NOW + 3600) * 1000),
    ],
)
def test_what_cannot_be_had_is_sought_one_tier_lower(reply: Reply) -> None:
    """At once, without a retry that could change nothing."""
    provider = Provider([reply, ANSWER])
    assert provider.call(an_errand())[0] is STANDARD
    assert provider.sleeps == []


def test_a_fallback_is_a_call_of_its_own_tier() -> None:
    """With that tier's models, prompt, caps, length and effort, and nothing of the one above."""
    provider = Provider([refusals.unavailable("no_endpoints"), ANSWER])
    provider.call(an_errand())
    first, second = provider.bodies
    assert second["models"] == list(STANDARD.models)
    assert second["messages"][-1]["content"] == "standard"
    assert second["provider"]["max_price"] == {"prompt": "1.25", "completion": "6.25"}
    assert second["max_tokens"] == STANDARD.max_tokens
    assert ("reasoning" in first, "reasoning" in second) == (True, False)
    assert second["metadata"] == {"reservation": "r1", "tier": "standard"}
    assert [second[name] for name in ("user", "session_id")] == [
        first[name] for name in ("user", "session_id")
    ]


def test_a_fallback_is_no_longer_than_what_was_reserved() -> None:
    """An answer that was shortened for the budget stays short in a cheaper tier, and is covered that way."""
    provider = Provider([refusals.unavailable("no_endpoints"), ANSWER])
    assert provider.call(an_errand(max_tokens=700))[0] is STANDARD
    assert provider.bodies[1]["max_tokens"] == 700


def test_a_tier_that_the_reservation_does_not_cover_is_passed_over() -> None:
    """A lower tier with a longer prompt may be the dearer one; the one below it may fit."""

    def prompt_for(tier: Tier) -> Prompt:
        prompt = a_prompt(tier)
        return replace(prompt, tokens=60_000 if tier is STANDARD else prompt.tokens)

    provider = Provider([refusals.unavailable("no_endpoints"), ANSWER])
    errand = an_errand(prompt_for=prompt_for)
    assert worst_case_usd(STANDARD, 60_000, STANDARD.max_tokens) > errand.reserved_usd
    assert provider.call(errand)[0] is ECONOMY


def test_a_reservation_covers_to_the_last_digit() -> None:
    """With just what the lower tier may cost it is asked, with the ledger's smallest step less it is not."""
    needed = worst_case_usd(STANDARD, a_prompt(STANDARD).tokens, STANDARD.max_tokens)
    for missing, asked in ((Decimal(0), STANDARD), (Decimal("1e-12"), ECONOMY)):
        provider = Provider([refusals.unavailable("no_endpoints"), ANSWER])
        assert provider.call(an_errand(reserved_usd=needed - missing))[0] is asked


def test_a_fallback_rather_reads_the_files() -> None:
    """A tier that would leave an image out is passed over for the next one down that sees it."""

    def prompt_for(tier: Tier) -> Prompt:
        return replace(a_prompt(tier), unread=("cat.png",) if tier is STANDARD else ())

    provider = Provider([refusals.unavailable("no_endpoints"), ANSWER])

    tier, _ = provider.call(an_errand(prompt_for=prompt_for))

    assert tier is ECONOMY


def test_below_the_lowest_tier_is_nothing() -> None:
    """Then the failure itself is told."""
    provider = Provider([refusals.unavailable("no_endpoints")])
    assert provider.failure(an_errand(ECONOMY)).code == "no_endpoints"


def test_a_fallback_never_goes_up() -> None:
    """A failed cheap call does not become a dear one, whatever is reserved."""
    provider = Provider([refusals.unavailable("no_endpoints")])
    provider.failure(an_errand(ECONOMY, reserved_usd=Decimal(5)))
    assert provider.asked == models_of(ECONOMY)


# Failures that end the errand


@pytest.mark.parametrize(
    "scripted",
    [
        httpx.ReadTimeout,
        httpx.ReadError,
        httpx.RemoteProtocolError,
        refusals.bad_gateway_page(),
        refusals.gateway_timeout(),
        refusals.edge_timeout(),
        refusals.request_timeout(),
        refusals.client_closed(),
        sse(done=False),
    ],
)
def test_a_call_that_may_have_been_billed_is_not_repeated(scripted: Scripted) -> None:
    """The reservation stands for it and covers no other: no retry, no fallback."""
    provider = Provider([scripted])
    failure = provider.failure(an_errand())
    assert failure.billed is Billed.UNKNOWN
    assert (len(provider.bodies), provider.sleeps) == (1, [])


def test_a_failed_call_that_was_billed_is_not_repeated() -> None:
    """An error that comes with a bill costs what it says, and its id leads to the record."""
    broken = error_event(502) | {"usage": {"prompt_tokens": 20, "completion_tokens": 0, "cost": 0.001}}
    provider = Provider([sse(broken)])
    failure = provider.failure(an_errand())
    assert (failure.billed, failure.cost_usd) == (Billed.YES, Decimal("0.001"))
    assert (failure.generation_id, provider.generations) == (GENERATION, [GENERATION])
    assert len(provider.bodies) == 1


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (refusals.bad_key(), Remedy.STOP_OPERATOR),
        (refusals.no_key(), Remedy.STOP_OPERATOR),
        (refusals.out_of_credits(), Remedy.STOP_OPERATOR),
        (refusals.key_limit_reached(), Remedy.STOP_OPERATOR),
        (refusals.budget_wall(), Remedy.STOP_OPERATOR),
        (refusals.moderated(), Remedy.STOP_REFUSED),
        (refusals.guardrail_blocked(), Remedy.STOP_REFUSED),
        (refusals.too_large(), Remedy.STOP_REFUSED),
        (refusals.bad_request("nonsense"), Remedy.STOP_REFUSED),
    ],
)
def test_what_only_the_operator_or_the_asker_can_change_ends_the_errand(reply: Reply, remedy: Remedy) -> None:
    """No other model is asked, and nobody waits."""
    provider = Provider([reply])
    assert provider.failure(an_errand()).remedy is remedy
    assert (len(provider.bodies), provider.sleeps) == (1, [])


def test_an_operators_error_after_a_retry_ends_the_errand_too() -> None:
    """What happened before makes no difference."""
    provider = Provider([refusals.provider_down(), refusals.out_of_credits()])
    assert provider.failure(an_errand()).code == "no_credits"


def test_text_that_was_shown_ends_the_errand() -> None:
    """An answer that broke off is an answer: it is not begun again by another model."""
    provider = Provider([sse(text("Forty"), error_event(502))])
    tier, completion = provider.call(an_errand())
    assert (tier, completion.finish, provider.texts) == (PREMIUM, Finish.ERROR, ["Forty"])


# The deadline


def test_at_the_deadline_a_failure_is_final() -> None:
    """There is no time left for another try."""
    provider = Provider([refusals.provider_down()], seconds_a_call=SECONDS)
    assert provider.failure(an_errand()).status == 502
    assert len(provider.bodies) == 1


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    """And costs nothing, which the completion says."""
    provider = Provider([])
    tier, completion = provider.call(an_errand(seconds=-1.0))
    assert (tier, completion.finish) == (PREMIUM, Finish.DEADLINE)
    assert completion.usage is not None
    assert completion.usage.cost_usd == 0


def test_a_stop_during_a_wait_sends_nothing_more() -> None:
    """Who pressed Stop is not charged for a retry."""

    def stop_and_fail(_: httpx.Request) -> httpx.Response:
        provider.is_stopped = True
        return httpx.Response(500, json={"error": {"code": 500, "message": "x"}})

    provider = Provider([stop_and_fail])
    _, completion = provider.call(an_errand())
    assert completion.finish is Finish.STOPPED
    assert len(provider.bodies) == 1


def test_a_tall_ladder_ends_with_a_failure() -> None:
    """However many tiers an operator writes, the attempts are bounded and the last failure is told."""
    tiers = tuple(replace(ECONOMY, name=str(i), models=(f"a/{i}", f"b/{i}", f"c/{i}")) for i in range(9))
    replies = [
        refusals.unknown_model(f"a/{i}") if again else refusals.provider_down()
        for i in range(9)
        for again in (0, 1)
    ]
    provider = Provider(replies * 2, ladder=Ladder(tiers))
    assert provider.failure(an_errand(tiers[0], reserved_usd=Decimal(9))).billed is Billed.NO
    assert len(provider.bodies) == MOST_ATTEMPTS


# Against the scripted OpenRouter


def test_a_retired_model_and_a_dead_provider_on_the_real_wire() -> None:
    """Over HTTP, with OpenRouter's own routing: the id is dropped, the failing tier left, the bill exact."""
    openrouter = ScriptedOpenRouter(answer="Forty-two.")
    openrouter.retire(STANDARD.models[0])
    openrouter.script(refusals.provider_down(), model=STANDARD.models[1], times=2)
    texts: list[str] = []
    with serve(openrouter.app) as served:
        adapter = OpenRouter(f"{served.url}/api/v1", PLAYGROUND_KEY)
        caller = Caller(adapter, LADDER, sleep=lambda _: None)
        deadline = openrouter.clock.now() + 10
        listening = Listening(lambda _: None, texts.append, lambda: False)
        tier, completion = caller.call(an_errand(STANDARD, deadline=deadline), listening)
        adapter.close()
    assert (tier, "".join(texts)) == (ECONOMY, "Forty-two.")
    assert [call.model for call in openrouter.calls if call.model] == [ECONOMY.models[0]]
    assert completion.usage is not None
    assert completion.usage.cost_usd == openrouter.billed_usd > 0
