"""The yardstick of routing: policies on the same months, data of others, and what is wrong with some."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.hindsight import hindsight, mean_scores
from bench.months import SCENARIOS, Month, cost_usd, month_of
from bench.play import play
from bench.rivals import always
from bench.routing import PACED
from bench.workload import BadData, Workload, generated_workload, read_workload
from router.domain.pacing import Pace, paced_policy

HEAD = "prompt,score_small,cost_small,score_large,cost_large\n"
ROWS = HEAD + '"What, now?",0.5,0.0000023,0.9,0.000043\nWhy?,0.7,0.0000017,0.8,0.000022\n'
POLICY = paced_policy(Pace())

WORKLOAD = generated_workload()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run the yardstick; return exit code, result and what it said."""
    code = main(["routing", "--json", *arguments])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def month(scenario: str = "steady", share: float = 0.1, messages: int = 300, **changes: Any) -> Month:
    """Make a month of the generated workload; `changes` replace its fields."""
    return replace(month_of(WORKLOAD, scenario, share, 7, messages, 1.0), **changes)


# the result


def test_policies_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with the same figures; hindsight is all there is to gain, the cheapest tier nothing of it."""
    code, result, _ = run(capsys, "--messages", "150", "--seeds", "3", "--scenario", "steady")

    rows = {row["policy"]: row for row in result["rows"]}
    assert (code, result["name"], result["broken"]) == (0, "routing", [])
    assert result["rows"][0]["policy"] == PACED
    assert set(rows) == {
        *(PACED, "always_top", "always_bottom", "bands_50_20", "top_50_20_floor", "linear_floor", "hindsight")
    }
    assert (rows["hindsight"]["gain_recovered"], rows["always_bottom"]["gain_recovered"]) == (1, 0)
    low, high = rows[PACED]["gain_interval"]
    assert low <= rows[PACED]["gain_recovered"] <= high
    assert rows[PACED]["overspend_usd"] == 0
    assert rows[PACED]["gain_recovered"] > rows["top_50_20_floor"]["gain_recovered"]


def test_other_data_is_measured_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Packed or not, with the tiers that are named, in the order of what they cost."""
    packed = tmp_path / "results.csv.gz"
    packed.write_bytes(gzip.compress(ROWS.encode()))

    _, result, said = run(
        capsys,
        *("--data", str(packed), "--pool", "premium=small,economy=large"),
        *("--seeds", "0", "--messages", "40", "--scenario", "steady"),
    )

    assert "dearest first: economy, premium" in said
    assert result["rows"][0]["gain_recovered"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pool", "economy"],
        ["--pool", "a=x,a=y"],
        ["--seeds", "3-1"],
        ["--seeds", "all"],
        ["--messages", "0"],
        ["--forecast", "nan"],
        ["--scenario", "quiet"],
        ["--data", "/nowhere.csv"],
    ],
)
def test_wrong_options_are_told(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Before anything is played."""
    with pytest.raises(SystemExit) as end:
        main(["routing", *arguments])

    assert end.value.code == 2
    assert arguments[0] in (said := capsys.readouterr().err) or "/nowhere.csv: cannot be read" in said


# the data


def read(tmp_path: Path, text: str, **pool: str) -> Workload:
    """Read a file of that content."""
    path = tmp_path / "results.csv"
    path.write_text(text, encoding="utf-8")
    return read_workload(path, pool)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'prompt'; it has results of no model"),
        ("prompt\nx\n", "has no column 'score_<model>'"),
        ("prompt,score_a\nx,1\n", "has no column 'cost_a'; it has results of a"),
        (HEAD, "has a head and no rows"),
        (HEAD + "x,1,1,1,nan\n", "line 2: cost_large is 'nan'; write a number of 0 or more"),
        (HEAD + "x,1,1,1,-0.1\n", "line 2: cost_large is '-0.1'; write a number of 0 or more"),
        (HEAD + "x,nan,1,1,1\n", "line 2: score_small is 'nan'; write a number"),
        (HEAD + "x,1,1,inf,1\n", "line 2: score_large is 'inf'; write a number"),
        (HEAD + 'x,1,1,1,1\n"y\nz",1,,1,1\n', "line 4: cost_small is ''"),
        (HEAD + "x,1,1\n", "line 2: score_large is None"),
        (HEAD + "x,1,much,1,1\n", "line 2: cost_small is 'much'"),
        ("\x00\x01", "has no column"),
    ],
)
def test_data_that_cannot_be_used_is_told(tmp_path: Path, text: str, said: str) -> None:
    """File, line, column, value and what would be right."""
    with pytest.raises(BadData) as bad:
        read(tmp_path, text)
    assert said in str(bad.value)


def test_a_model_that_the_data_lacks_is_told(tmp_path: Path) -> None:
    """With those that it has."""
    with pytest.raises(BadData, match=r"no column 'score_huge'; it has results of small, large"):
        read(tmp_path, ROWS, economy="small", premium="huge")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\x1f\x8bnot packed", gzip.compress(ROWS.encode(), mtime=0)[:-9]]
)
def test_bytes_that_are_no_table_are_told(tmp_path: Path, content: bytes) -> None:
    """Neither text nor whole."""
    (tmp_path / "results").write_bytes(content)
    with pytest.raises(BadData):
        read_workload(tmp_path / "results", {})


def test_a_cost_is_split_into_prompt_and_answer(tmp_path: Path) -> None:
    """Where costs are sums of whole tokens, the step between them is what a prompt token costs."""
    workload = read(tmp_path, ROWS)

    assert [tier.name for tier in workload.ladder.tiers] == ["large", "small"]
    for task, costs in zip(workload.tasks, ((43, 2.3), (22, 1.7)), strict=True):
        for place, cost in enumerate(costs):
            alone = replace(month().arrivals[0], task=task, context_tokens=0)
            assert float(cost_usd(workload, alone, place)) == pytest.approx(cost / 10**6)


def test_what_costs_nothing_is_free(tmp_path: Path) -> None:
    """A tier whose answers all cost nothing, and one of which some do."""
    workload = read(tmp_path, HEAD + "x,1,0,1,0\ny,1,0,1,0.1\n")
    assert workload.ladder.tiers[1].is_free
    assert play(month(arrivals=month().arrivals[:3]), WORKLOAD, POLICY).refused == 0


# the months


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_month_is_the_same_again(scenario: str) -> None:
    """And richer or poorer it has the same messages."""
    one, again, rich = (month(scenario, share) for share in (0.1, 0.1, 0.7))
    assert one == again
    assert one.arrivals == rich.arrivals
    assert rich.limit_usd > 6 * one.limit_usd
    assert sorted(one.arrivals, key=lambda arrival: arrival.at) == list(one.arrivals)


# the play


def test_hindsight_is_never_worse_than_one_tier_for_all() -> None:
    """Within the same money."""
    means = mean_scores(WORKLOAD)
    for share in (0.035, 0.3, 3.0):
        one = month(share=share)
        best = hindsight(one, WORKLOAD, means)
        assert best.spent_usd <= one.limit_usd
        assert best.quality >= play(one, WORKLOAD, always(-1)).quality


@pytest.mark.parametrize("messages", [3, 3000])
@pytest.mark.parametrize("forecast", [0.0, 1.0])
def test_small_and_crowded_channels_are_paced(messages: int, forecast: float) -> None:
    """Also in a first month: nothing is overspent, and those who ask get their answers."""
    one = month_of(WORKLOAD, "steady", 0.1, 1, messages, forecast)
    played = play(one, WORKLOAD, POLICY)

    assert played.spent_usd <= one.limit_usd
    if messages > 3:
        assert played.refused == 0
        assert played.spent_usd > Decimal("0.7") * one.limit_usd


def test_without_money_everything_is_refused() -> None:
    """And nothing is spent."""
    one = month(limit_usd=Decimal(0))
    played = play(one, WORKLOAD, POLICY)

    assert (played.refused, float(played.spent_usd), played.quality) == (len(one.arrivals), 0.0, 0.0)


def test_a_burst_on_the_first_days_leaves_something_for_the_last() -> None:
    """The first three days have as much as the rest of the month."""
    one = month(messages=600)
    early = [arrival for arrival in one.arrivals if arrival.at.day <= 5]
    burst = sorted([*one.arrivals, *early * 5], key=lambda arrival: arrival.at)
    played = play(replace(one, arrivals=tuple(burst)), WORKLOAD, POLICY)

    assert played.refused == 0
    assert played.quality > play(replace(one, arrivals=tuple(burst)), WORKLOAD, always(-1)).quality
