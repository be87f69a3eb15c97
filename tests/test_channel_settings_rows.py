"""The rows of a channel's settings: a change and its record are written together, over what was seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from router.adapters.channel_settings import Change, SettingsRows
from router.errors import TableUnavailable
from tests.money import CHANNEL, NOW
from tests.tables import Tables, in_both, tables_for

ON = Change("footer", None, after=True, by="U0ADA00001", at=int(NOW))
OFF = Change("footer", before=True, after=False, by="U0GRACE001", at=int(NOW) + 1)
DEFAULT = Change("footer", before=False, after=None, by="U0ADA00001", at=int(NOW) + 2)


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own."""
    yield from tables_for(request)


def rows_of(tables: Tables) -> SettingsRows:
    """Make the rows."""
    return SettingsRows(tables.dynamo, tables.state)


def test_nothing_chosen(tables: Tables) -> None:
    """A channel that nobody changed has no row and no changes."""
    assert rows_of(tables).chosen(CHANNEL) == {}
    assert rows_of(tables).changes(CHANNEL, 0) == []


@in_both
def test_set_and_taken_back(tables: Tables) -> None:
    """What is not chosen any more is absent; each change stays readable, the newest first."""
    rows = rows_of(tables)
    for seen, change in enumerate((ON, OFF, DEFAULT)):
        assert rows.change(CHANNEL, change, seen)

    assert rows.chosen(CHANNEL, consistent=True) == {"version": 3}
    assert rows.changes(CHANNEL, 3) == [DEFAULT, OFF, ON]
    assert rows.changes(CHANNEL, 3, most=1) == [DEFAULT]


@pytest.mark.parametrize("seen", [0, 7])
def test_changed_meanwhile(tables: Tables, seen: int) -> None:
    """Over a version that is not the present one nothing is written, nor is a record left."""
    rows = rows_of(tables)
    rows.change(CHANNEL, ON, 0)
    before = tables.rows()

    assert not rows.change(CHANNEL, OFF, seen)
    assert tables.rows() == before


def test_settings_of_a_newer_release(tables: Tables) -> None:
    """They are neither read nor written."""
    rows = rows_of(tables)
    rows.change(CHANNEL, ON, 0)
    current = next(row for row in tables.rows("settings#") if row["sk"] == "current")
    tables.write(current, v=2)

    with pytest.raises(TableUnavailable):
        rows.chosen(CHANNEL)
    with pytest.raises(TableUnavailable):
        rows.change(CHANNEL, OFF, 1)


def test_a_job_changes_once(tables: Tables) -> None:
    """What it did is known, and a second change of its own is not written, whatever happened meanwhile."""
    rows = rows_of(tables)
    assert not rows.was_made("press-1")
    assert rows.change(CHANNEL, ON, 0, "press-1")
    assert rows.was_made("press-1")
    assert rows.change(CHANNEL, OFF, 1, "press-2")
    before = tables.rows()

    assert not rows.change(CHANNEL, ON, 2, "press-1")
    assert tables.rows() == before
