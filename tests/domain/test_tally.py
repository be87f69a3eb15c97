"""The tally: what calls add up to, and what the next one is expected to cost by that."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from router.domain.experience import NO_EXPERIENCE, experience
from router.domain.tally import NOTHING_COUNTED, Answers, Tally, additions, read_tally
from router.domain.usage import Bill
from tests.domain.rungs import ECONOMY, PREMIUM, STANDARD
from tests.money import bill_of, facts_of

SUNDAY = (0, 0, 0, 0, 0, 0, 1)


def test_what_is_added_is_what_is_read() -> None:
    """Two calls of one tier and one of another, on a Monday and a Sunday."""
    row: Counter[str] = Counter()
    for tier, day, cost in [
        ("premium", "2026-11-22", "0.03"),
        ("premium", "2026-11-23", "0.01"),
        ("economy", "2026-11-23", "0.0005"),
    ]:
        row.update(additions(facts_of(tier_given=tier, day=day), bill_of(cost)))

    tally = read_tally("2026-11", {**row, "opened_on": "2026-11-22", "spent_usd": Decimal(1), "v": 1})

    assert tally == Tally(
        "2026-11",
        date(2026, 11, 22),
        (2, 0, 0, 0, 0, 0, 1),
        {
            "premium": Answers(2, 2400, 200, 100, Decimal("0.04")),
            "economy": Answers(1, 1200, 100, 50, Decimal("0.0005")),
        },
    )


@pytest.mark.parametrize("bill", [bill_of("0.04", estimated=True), bill_of("0.04", prompt_tokens=0)])
def test_a_bill_that_nobody_knows_teaches_nothing_but_that_someone_asked(bill: Bill) -> None:
    """The worst case would be taken for the usual one."""
    tally = read_tally("2026-11", additions(facts_of(), bill))

    assert tally == Tally("2026-11", None, SUNDAY)


def test_counters_do_not_grow_with_the_messages() -> None:
    """A tier and a weekday have theirs, however much is counted."""
    names = {name for _ in range(100) for name in additions(facts_of(), bill_of())}
    assert len(names) == 6


@pytest.mark.parametrize("row", [{}, {"messages#monday": "many", "opened_on": 7, "cost_usd#x": "dear"}])
def test_what_is_no_counter_counts_nothing(row: dict[str, object]) -> None:
    """A row of an earlier release, or one that someone has touched, is read as far as it can be."""
    tally = read_tally("2026-11", row)
    assert tally.messages == NOTHING_COUNTED.messages
    assert sum(a.answers for a in tally.answers.values()) == 0


# what it teaches


def test_without_experience_the_caps_and_a_sixth_are_taken() -> None:
    """A prompt in English, an answer of a sixth of what is allowed, at the price caps."""
    tokens = NO_EXPERIENCE.prompt_tokens(10_000)
    assert tokens == 3000
    assert (
        NO_EXPERIENCE.usual_usd(PREMIUM, tokens) == (Decimal("2.5") * 3000 + Decimal("12.5") * 1000) / 10**6
    )


def test_many_answers_outweigh_what_was_assumed() -> None:
    """Prompts of other tokens, answers of another length, and prices below the caps."""
    answers = Answers(1000, 10_000_000, 9_000_000, 300_000, Decimal("0.5"))
    known = experience(Tally("2026-11", answers={"premium": answers}), NOTHING_COUNTED)

    assert known.prompt_tokens(10_000) == pytest.approx(9000, rel=0.01)
    assert known.typical_tokens(10_000) == pytest.approx(9000, rel=0.01)
    at_caps = (Decimal("2.5") * 9000 + Decimal("12.5") * 300) / 10**6
    share = Decimal("0.5") / (1000 * at_caps)
    assert known.usual_usd(PREMIUM, 9000) == pytest.approx(at_caps * share, rel=Decimal("0.02"))
    assert known.usual_usd(STANDARD, 9000) == NO_EXPERIENCE.usual_usd(STANDARD, 9000)


def test_two_periods_are_put_together() -> None:
    """What was learned last month is not forgotten on the first of this one."""
    one, other = Answers(3, 30, 9, 6, Decimal(3)), Answers(1, 10, 3, 2, Decimal(1))
    known = experience(
        Tally("2026-11", answers={"economy": one}),
        Tally("2026-10", answers={"economy": other, "gone": one}),
    )

    assert known.answers == {"economy": Answers(4, 40, 12, 8, Decimal(4)), "gone": one}
    assert known.total == Answers(7, 70, 21, 14, Decimal(7))


@pytest.mark.parametrize("bound", [0, 1, 10**7])
def test_an_empty_prompt_and_a_huge_one_have_a_cost(bound: int) -> None:
    """Whatever the bound is."""
    assert NO_EXPERIENCE.usual_usd(ECONOMY, NO_EXPERIENCE.prompt_tokens(bound)) > 0
