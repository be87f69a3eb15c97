"""The rows of a channel's settings: what was chosen for it, and who changed what, when.

    pk                   sk          holds
    settings#<channel>   current     what was chosen; what was not is absent. `version` counts the changes
                         change#<n>  the n-th change: setting, before, after, by, at

A change demands the version that its author saw, and is written together with its record, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.adapters.made import change_made, was_made
from router.adapters.table import (
    IS_KNOWN,
    ROW_VERSION,
    Cancelled,
    Dynamo,
    Key,
    Put,
    Row,
    Update,
    check_version,
)

CURRENT = "current"

IS_FIRST = "attribute_not_exists(pk)"
IS_AS_SEEN = "#version = :seen"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one setting: by whom, and when in epoch seconds. None: nothing was (is) chosen."""

    setting: str
    before: bool | str | None
    after: bool | str | None
    by: str
    at: int


def settings_key(channel: str, name: str = CURRENT) -> Key:
    """Name a row of a channel's settings."""
    return {"pk": f"settings#{channel}", "sk": name}


class SettingsRows:
    """The channels' settings in the state table."""

    def __init__(self, dynamo: Dynamo, state_table: str) -> None:
        self._dynamo = dynamo
        self._table = state_table

    def chosen(self, channel: str, *, consistent: bool = False) -> Row:
        """Return what was chosen for a channel, with its `version`; empty when nothing ever was."""
        row = self._dynamo.get(self._table, settings_key(channel), consistent=consistent)
        if row is None:
            return {}
        check_version(row)
        return {name: value for name, value in row.items() if name not in ("pk", "sk", "v")}

    def was_made(self, job: str) -> bool:
        """Whether `job` has made its change in an earlier delivery."""
        return was_made(self._dynamo, self._table, job)

    def change(self, channel: str, change: Change, seen: int, job: str = "") -> bool:
        """Write a change over version `seen`; False when the settings were changed meanwhile.

        The same change written again is refused too: it has been written over. So is a second one by `job`.
        """
        kept = "SET #setting = :after, " if change.after is not None else "SET "
        gone = "" if change.after is not None else " REMOVE #setting"
        values: Row = {":next": seen + 1, ":v": ROW_VERSION}
        values |= {":seen": seen} if seen else {}
        values |= {":after": change.after} if change.after is not None else {}
        update = Update(
            self._table,
            settings_key(channel),
            f"{kept}#version = :next, v = :v{gone}",
            values,
            {"#setting": change.setting, "#version": "version"},
            f"{IS_KNOWN} AND {IS_AS_SEEN}" if seen else IS_FIRST,
        )
        made = [change_made(self._table, job, change.at)] if job else []
        try:
            self._dynamo.transact([update, Put(self._table, _change_row(channel, change, seen + 1)), *made])
        except Cancelled as cancelled:
            for _, row in cancelled.reasons:
                check_version(row)
            return False
        return True

    def changes(self, channel: str, version: int, most: int = 10) -> list[Change]:
        """Return the last changes up to `version`, the newest first."""
        numbers = range(version, max(0, version - most), -1)
        keys = [settings_key(channel, f"change#{number}") for number in numbers]
        if not keys:
            return []
        rows = {row["sk"]: row for row in self._dynamo.get_many(self._table, keys)}
        return [_change(rows[key["sk"]]) for key in keys if key["sk"] in rows]


def _change_row(channel: str, change: Change, number: int) -> Row:
    return settings_key(channel, f"change#{number}") | {
        "v": ROW_VERSION,
        "setting": change.setting,
        "before": change.before,
        "after": change.after,
        "by": change.by,
        "at": change.at,
    }


def _change(row: Row) -> Change:
    check_version(row)
    return Change(str(row["setting"]), row["before"], row["after"], str(row["by"]), int(row["at"]))
