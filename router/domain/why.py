"""Why: the numbers behind a choice, told in one sentence.

They are kept as texts with each usage record, so that a choice can be told as long as its record is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from router.domain.money import parse_usd, show_usd

Numbers = Mapping[str, str]

_PERCENT = Decimal("0.1")


def told(why: Numbers, tier_wanted: str, tier_given: str) -> str:
    """Tell why a message got its tier; a number that `why` does not hold is a question mark."""
    tell = {"paced": _paced, "bands": _banded, "again": _again}.get(why.get("policy", ""), _unknown)
    chosen = why.get("not_allowed_here") or why.get("reads_fewer_files") or tier_wanted
    given = "" if tier_given == tier_wanted else f"; the answer came from {tier_given} in the end"
    return f"{tell(why, chosen)}{_instead(why, tier_wanted)}{given}."


def _instead(why: Numbers, tier_wanted: str) -> str:
    """Tell why it was not to be the tier that the policy chose."""
    reasons = []
    if "not_allowed_here" in why:
        reasons.append(f"{why['not_allowed_here']} is not allowed here")
    if "reads_fewer_files" in why:
        reasons.append(f"{why['reads_fewer_files']} would not read all the files")
    return f"; but {' and '.join(reasons)}, so {tier_wanted}" if reasons else ""


def _paced(why: Numbers, tier: str) -> str:
    message = f"this message of {_count(why, 'length')} characters"
    may = f"may cost {_usd(why, 'reach_usd')}"
    if "better" in why:
        said = f"{tier}, since {message} {may} and {why['better']} usually costs {_usd(why, 'better_usd')}"
    else:
        said = f"{tier}, since {message} {may} and that usually costs {_usd(why, 'usual_usd')}"
    wish = f" (asked for {why['wish']})" if "wish" in why else ""
    thread = f" (in a thread that {why['last_tier']} answered)" if "last_tier" in why else ""
    return f"{said}{wish}{thread}: {_allowance(why)}"


def _allowance(why: Numbers) -> str:
    signs = f" for {why['signs']}" if "signs" in why else ""
    return (
        f"the allowance is {_usd(why, 'allowance_usd')}, which is {_usd(why, 'left_usd')} left less a floor "
        f"of {_usd(why, 'floor_usd')} over {_count(why, 'to_come')} messages, and the weight is "
        f"{why.get('weight', '?')}{signs}"
    )


def _banded(why: Numbers, tier: str) -> str:
    said = f"{tier}, since {_count(why, 'length')} characters are in the band of {why.get('band', '?')}"
    left = _percent(why.get("left"))
    if "step_down_below" in why:
        return f"{said}, but {left} of the budget was left, less than {_percent(why['step_down_below'])}"
    return f"{said}; {left} of the budget was left"


def _again(_: Numbers, tier: str) -> str:
    return f"{tier}, since someone pressed the button for it"


def _unknown(_: Numbers, tier: str) -> str:
    return f"{tier}, for a reason that this release does not know"


def _usd(why: Numbers, name: str) -> str:
    amount = parse_usd(why.get(name))
    return "$?" if amount is None else show_usd(amount)


def _count(why: Numbers, name: str) -> str:
    number = why.get(name, "")
    return f"{int(number):,}" if number.isdecimal() else "?"


def _percent(share: str | None) -> str:
    number = parse_usd(share)
    if number is None:
        return "?"
    return f"{(100 * number).quantize(_PERCENT, rounding=ROUND_HALF_UP).normalize():f} %"
