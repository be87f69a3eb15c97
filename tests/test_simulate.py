"""The replay: the same month under other settings, from lengths and costs alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from router.config import Config, read_config
from router.simulate import Replay, replay_month
from tests.money import CHANNEL, bill_of
from tests.tables import Tables, tables_for
from tests.usage_rows import record_of, write_usage

MONTH = "2026-11"


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own."""
    yield from tables_for(request)


def tier(name: str, prompt: str, completion: str) -> dict[str, Any]:
    """Write a tier as the file has it; its model is called like it."""
    price = {"prompt": Decimal(prompt), "completion": Decimal(completion)}
    return {"name": name, "models": [f"maker/{name}"], "max_price": price, "max_tokens": 3000}


BEST, LOWER = tier("best", "2", "10"), tier("lower", "0.2", "1")


def config_of(*tiers: dict[str, Any], period: str = "month", **routing: Any) -> Config:
    """Configure a ladder, by default of two tiers; a dollar for each channel, half for a direct one."""
    budget = {"channel_usd": 1, "direct_message_usd": Decimal("0.5"), "period": period}
    reply = {"system_prompt": "Be right."}
    ladder = list(tiers or (BEST, LOWER))
    return read_config({"tier": ladder, "budget": budget, "routing": routing, "reply": reply})


def answer(tables: Tables, *, of: str = "best", day: int = 2, channel: str = CHANNEL, **why: str) -> None:
    """Write the record of an answer of 1,000 prompt and 500 completion tokens at noon, billed at the caps."""
    began = Decimal(int(datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()))
    cost = {"best": "0.007", "lower": "0.0007"}[of]
    record = record_of(channel=channel, day=f"2026-11-{day:02}")
    facts = replace(
        record.facts,
        tier_wanted=of,
        tier_given=of,
        models=(f"maker/{of}",),
        prompt_bound=3000,
        started_at=began,
        why={"policy": "paced", "length": "800", "weight": "1", **why},
    )
    bill = bill_of(cost, prompt_tokens=1000, completion_tokens=500)
    write_usage(tables, replace(record, facts=facts, bill=bill))


def replayed(tables: Tables, config: Config, limit: str = "", channel: str = CHANNEL) -> Replay:
    """Replay November."""
    limit_usd = Decimal(limit) if limit else None
    return replay_month(tables.usage_table(), config, channel, MONTH, limit_usd, lambda _: None)


def would(replay: Replay) -> dict[str, int]:
    """Say how often each tier would have answered."""
    return {name: use.would_answer for name, use in replay.tiers.items()}


def test_a_rich_month_is_replayed_as_it_was(tables: Tables) -> None:
    """The same tiers for the same money: what is known of a call is taken as it is."""
    for day in (2, 3, 4):
        answer(tables, day=day)

    replay = replayed(tables, config_of(), "100")

    assert would(replay) == {"best": 3, "lower": 0}
    assert replay.total.would_cost_usd == replay.total.cost_usd == Decimal("0.021")
    assert (replay.refused, replay.ran_out) == (0, {})


def test_little_money_would_have_stepped_down(tables: Tables) -> None:
    """Another tier costs what its answers usually do."""
    for day in (2, 3, 4):
        answer(tables, day=day)

    replay = replayed(tables, config_of(), "0.04")

    assert would(replay) == {"best": 0, "lower": 3}
    assert replay.total.would_cost_usd == 3 * (Decimal("0.2") * 1000 + 500) / 10**6


def test_the_money_would_have_run_out(tables: Tables) -> None:
    """The first answer that it does not bear names the moment; a limit of zero bears none."""
    for day in (2, 2, 3):
        answer(tables, day=day)

    replay = replayed(tables, config_of(), "0")

    assert (replay.refused, would(replay)) == (3, {"best": 0, "lower": 0})
    assert replay.ran_out == {CHANNEL: datetime(2026, 11, 2, 12, tzinfo=UTC)}


def test_another_ladder_is_priced_anew(tables: Tables) -> None:
    """A tier of the same name with other models has no known cost; one that is gone is still in what was."""
    answer(tables)
    answer(tables, of="lower", day=3)

    changed = config_of(BEST | {"models": ["maker/newer"], "max_price": {"prompt": 4, "completion": 20}})
    replay = replayed(tables, changed, "100")

    assert would(replay) == {"best": 2, "lower": 0}
    assert replay.tiers["lower"].cost_usd == Decimal("0.0007")
    assert replay.tiers["best"].would_cost_usd == Decimal("0.028")


def test_another_policy_chooses_anew(tables: Tables) -> None:
    """Bands look at lengths, which records have."""
    answer(tables, length="50")
    answer(tables, length="5000", day=3)
    bands = [{"up_to": 80, "tier": "lower"}, {"tier": "best"}]

    assert would(replayed(tables, config_of(policy="bands", band=bands))) == {"best": 1, "lower": 1}


def test_wishes_weights_and_threads_count_as_they_did(tables: Tables) -> None:
    """A greeting stays cheap, a wish is granted; one for a tier that is gone is none."""
    answer(tables, weight="0.00")
    answer(tables, wish="lower", day=3)
    answer(tables, wish="gone", day=4)

    assert would(replayed(tables, config_of(), "100")) == {"best": 1, "lower": 2}


def test_each_channel_has_its_own_budget(tables: Tables) -> None:
    """All of them are replayed when none is named; direct messages by their own limit."""
    for channel in ("C0A", "C0B", "D0C"):
        answer(tables, channel=channel)

    assert replayed(tables, config_of(), channel="").answers == 3
    assert replayed(tables, config_of(), "0", channel="").ran_out.keys() == {"C0A", "C0B", "D0C"}
    assert replayed(tables, config_of(), channel="C0A").answers == 1


@pytest.mark.parametrize(("period", "refused"), [("month", 2), ("week", 1), ("day", 0)])
def test_budgets_renew_as_configured(tables: Tables, period: str, refused: int) -> None:
    """Money for one answer in each period: of Monday, Tuesday and the Monday after."""
    for day in (2, 3, 9):
        answer(tables, of="lower", day=day)

    replay = replayed(tables, config_of(LOWER, period=period), "0.0018")

    assert replay.refused == refused


def test_a_record_of_an_earlier_release_is_replayed(tables: Tables) -> None:
    """Without a weight it is a usual message; without tokens they are expected."""
    record = record_of()
    write_usage(tables, replace(record, bill=bill_of("0.02", prompt_tokens=0, completion_tokens=0)))

    replay = replayed(tables, config_of(), "100")

    assert replay.answers == replay.total.would_answer == 1
    assert replay.total.would_cost_usd > 0


def test_a_long_replay_tells_how_far_it_is(tables: Tables) -> None:
    """Whoever waits sees that it moves."""
    said: list[str] = []
    for day in (2, 3):
        answer(tables, day=day)

    replay_month(tables.usage_table(), config_of(), CHANNEL, MONTH, None, said.append, 0.0)

    assert said == ["1 answers replayed, channel 1 of 1", "2 answers replayed, channel 1 of 1"]
