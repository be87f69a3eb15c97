"""Routing: which of the models that a call names serves it.

The models are tried in order. One that cannot serve the call, or whose attempt is scripted to fail, is
passed over; the last reason is what the client hears when none is left. Only the one that serves is billed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.openrouter import refusals
from playground.openrouter.ask import LEAST_THINKING_BUDGET
from playground.openrouter.behaviour import Behaviour
from playground.openrouter.prices import PER_MILLION, Model, base_id
from playground.openrouter.refusals import Refused, Reply

if TYPE_CHECKING:
    from playground.openrouter.ask import Ask

SUPPORTED_PARAMETERS = (
    "max_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "reasoning",
    "include_reasoning",
)
"""What every endpoint advertises; `max_completion_tokens` is not among it, at most real ones neither."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The model that serves a call, and how."""

    model: Model
    behaviour: Behaviour


def choose(
    ask: Ask, models: Mapping[str, Model], now: float, scripted: Callable[[str], Behaviour]
) -> Attempt:
    """Return the first attempt that works. Raises Refused with the last one's reason."""
    reply: Reply | None = None
    for model_id in ask.models:
        model = models[base_id(model_id)]
        reply = _obstacle(ask, model, now)
        if reply is None:
            behaviour = scripted(model.id)
            reply = behaviour.reply
            if reply is None:
                return Attempt(model, behaviour)
    raise Refused(reply or refusals.unavailable("no_endpoints"))


def _obstacle(ask: Ask, model: Model, now: float) -> Reply | None:
    """Return why the model cannot serve this call, in the order in which endpoints are filtered."""
    if ask.has_images and not model.reads_images:
        return refusals.unavailable("no_endpoints", "No endpoints found that support image input")
    if ask.denies_training and model.is_free:
        return refusals.unavailable("privacy_restricted")
    if _is_too_dear(ask, model, now) or ask.required_parameters - set(SUPPORTED_PARAMETERS):
        return refusals.unavailable("constraint_filtered")
    if (ask.max_tokens or 0) > model.max_output:
        return refusals.unavailable("no_endpoints")
    return _thinking_obstacle(ask, model) or _length_obstacle(ask, model)


def _is_too_dear(ask: Ask, model: Model, now: float) -> bool:
    """Hold the base price against max_price: whether OpenRouter looks at the steps is not documented."""
    base = model.rates_at(now)[0]
    caps = ((ask.max_price.prompt, base.prompt_usd), (ask.max_price.completion, base.completion_usd))
    return any(cap is not None and price > cap * PER_MILLION for cap, price in caps)


def _thinking_obstacle(ask: Ask, model: Model) -> Reply | None:
    if ask.effort == "none" and model.reasoning_mandatory:
        return refusals.reasoning_mandatory()
    budget = ask.thinking_budget
    if budget is None or model.vendor != "anthropic":
        return None
    if budget < LEAST_THINKING_BUDGET or budget >= (ask.max_tokens or model.max_output):
        return refusals.bad_request("reasoning.max_tokens must be at least 1024 and below max_tokens")
    return None


def _length_obstacle(ask: Ask, model: Model) -> Reply | None:
    longest = ask.max_tokens or 0
    if ask.prompt_tokens + longest > model.context:
        return refusals.context_exceeded(model.context, ask.prompt_tokens, longest)
    return None
