"""The scripted OpenRouter: its HTTP routes, and the handle by which a test or the playground drives it.

The handle may be used from any thread while the app is served from another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from playground.clock import Clock, SystemClock
from playground.openrouter import refusals
from playground.openrouter.account import credits_entry, key_entry
from playground.openrouter.behaviour import Behaviour, Script, UsageShape
from playground.openrouter.books import Books, Call, generation_entry
from playground.openrouter.catalogue import models_page
from playground.openrouter.exchange import Exchange, check_key
from playground.openrouter.playback import Pace
from playground.openrouter.prices import Model, price_list
from playground.openrouter.refusals import Refused, Reply
from playground.openrouter.wire import to_json

if TYPE_CHECKING:
    from starlette.requests import Request

PLAYGROUND_KEY = "sk-or-playground"

AnswerSource = Callable[[dict[str, Any]], str] | str
"""What the models say: always the same, or made from the request's body."""


class ScriptedOpenRouter:
    """OpenRouter with a script.

    `first_token_s` and `tokens_per_s` pace the answers (by default nothing does), `generation_delay_s` is how
    long, by `clock`, GET /generation does not know a finished call. `answer` None gives scripted Markdown;
    `answer`, `usage_shape` and `pace` may be set at any time and hold for the calls that follow.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        first_token_s: float = 0.0,
        tokens_per_s: float | None = None,
        generation_delay_s: float = 20.0,
        api_keys: Iterable[str] = (PLAYGROUND_KEY,),
        answer: AnswerSource | None = None,
    ) -> None:
        self.answer = answer
        self.usage_shape = UsageShape.EMPTY_DELTA
        self.pace = Pace(first_token_s, tokens_per_s)
        self.api_keys = frozenset(api_keys)
        self.clock = clock or SystemClock()
        self.books = Books(self.clock, generation_delay_s)
        self.queue = Script()
        self._retired: frozenset[str] = frozenset()
        self.app = Starlette(
            routes=[
                Route("/api/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/api/v1/generation", self._generation),
                Route("/api/v1/models", self._models),
                Route("/api/v1/key", self._key),
                Route("/api/v1/credits", self._credits),
            ],
            exception_handlers={Refused: _refused},
        )

    # the handle

    def script(self, *entries: Behaviour | Reply, model: str | None = None, times: int | None = 1) -> None:
        """Enqueue what the next calls do, each entry for `times` calls (None: from now on).

        With `model`, entries wait for attempts of that model, and a refused attempt falls back to the next
        of the call's models. Without, an entry is for the call as a whole.
        """
        for entry in entries:
            behaviour = Behaviour(reply=entry) if isinstance(entry, Reply) else entry
            self.queue.add(behaviour, model, times)

    def forget_script(self) -> None:
        """Drop every entry that has not been used up."""
        self.queue.forget()

    @property
    def scripted(self) -> int:
        """How many entries still wait for their call."""
        return len(self.queue)

    def retire(self, model_id: str) -> None:
        """Make an id unknown from now on, as if the model had been taken down."""
        self._retired |= {model_id}

    @property
    def calls(self) -> list[Call]:
        """Every chat completion so far, refused ones too, in the order in which they came."""
        return self.books.calls()

    @property
    def billed_usd(self) -> Decimal:
        """What all calls together have cost."""
        return self.books.total_usd()

    def wait_until_idle(self, timeout_s: float = 5.0) -> bool:
        """Wait until every call has ended, those whose client has left included; whether they did."""
        return self.books.wait_until_idle(timeout_s)

    def wait_for_calls(self, count: int, timeout_s: float = 5.0) -> bool:
        """Wait until so many calls have been read; whether they came."""
        return self.books.wait_for_calls(count, timeout_s)

    def models(self) -> dict[str, Model]:
        """Return the models that exist now, by id."""
        return {model_id: model for model_id, model in price_list().items() if model_id not in self._retired}

    # the routes

    async def _complete(self, request: Request) -> Exchange:
        call = self.books.open(dict(request.headers))
        return Exchange(self, call, await request.body())

    async def _generation(self, request: Request) -> Response:
        self._check_key(request)
        generation_id = request.query_params.get("id", "")
        if not generation_id:
            raise Refused(refusals.malformed(("id",), "string"))
        call = self.books.generation(generation_id)
        if call is None:
            raise Refused(refusals.no_such_generation(generation_id))
        return self._json({"data": generation_entry(call)})

    async def _models(self, _request: Request) -> Response:
        """Need no key, and let the list be cached."""
        page = models_page(self.models().values(), self.clock.now())
        return self._json(page, {"Cache-Control": "public, max-age=120"})

    async def _key(self, request: Request) -> Response:
        self._check_key(request)
        return self._json({"data": key_entry(self.billed_usd)})

    async def _credits(self, request: Request) -> Response:
        self._check_key(request)
        return self._json({"data": credits_entry(self.billed_usd)})

    def _check_key(self, request: Request) -> None:
        check_key(dict(request.headers), self.api_keys)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> Response:
        date = {"Date": formatdate(self.clock.now(), usegmt=True)}
        return Response(to_json(value), headers=date | (headers or {}), media_type="application/json")


async def _refused(_request: Request, refused: Exception) -> Response:
    """Reply with the refusal that a route raised."""
    if not isinstance(refused, Refused):
        raise refused
    reply = refused.reply
    return Response(reply.body, reply.status, dict(reply.headers), reply.media_type)
