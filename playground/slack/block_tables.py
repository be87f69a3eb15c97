"""Blocks with rows and series: `table`, `data_table`, `data_visualization`.

Where sources differ, the smaller limit is enforced, so that what passes here passes there.
Sources: https://docs.slack.dev/reference/block-kit/blocks/table-block, …/data-table-block,
…/data-visualization-block
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.slack.block_elements import check_items, check_optional, check_string, complaint

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE_ROWS = 100
TABLE_COLUMNS = 20
TABLE_CHARS = 10_000
"""All cells of one table together."""

DATA_TABLE_ROWS = 101
"""The header and a hundred rows; newer clients are said to take two hundred."""
DATA_TABLE_LEAST_ROWS = 2
PAGE_SIZE = 100

TITLE_CHARS = 50
LABEL_CHARS = 20
SERIES = 6
"""Series of a chart, or segments of a pie; other sources say twelve."""
CATEGORIES = 20
CHARTS_PER_MESSAGE = 2

CELLS = ("raw_text", "raw_number", "rich_text")


def check_table(block: dict[str, Any], at: str) -> Iterator[str]:
    """Complain about a `table` block."""
    yield from check_items(block.get("rows"), f"{at}/rows", TABLE_ROWS)
    yield from _cells(block, at, CELLS)
    if block.get("column_settings") is not None:
        yield from check_items(block["column_settings"], f"{at}/column_settings", TABLE_COLUMNS, least=0)


def check_data_table(block: dict[str, Any], at: str) -> Iterator[str]:
    """Complain about a `data_table` block, whose first row is its header."""
    yield from check_string(block.get("caption"), f"{at}/caption", TABLE_CHARS)
    yield from check_items(block.get("rows"), f"{at}/rows", DATA_TABLE_ROWS, least=DATA_TABLE_LEAST_ROWS)
    yield from _cells(block, at, CELLS)
    rows = _rows(block)
    if len({len(row) for row in rows}) > 1:
        yield complaint("all rows must have the same number of cells", f"{at}/rows")
    if rows and any(isinstance(cell, dict) and cell.get("type") == "rich_text" for cell in rows[0]):
        yield complaint("rich_text is not allowed in the header", f"{at}/rows/0")
    size = block.get("page_size", 1)
    if not isinstance(size, int) or not 1 <= size <= PAGE_SIZE:
        yield complaint(f"must be 1 to {PAGE_SIZE}", f"{at}/page_size")


def _rows(block: dict[str, Any]) -> list[list[Any]]:
    rows = block.get("rows")
    return [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []


def _cells(block: dict[str, Any], at: str, kinds: tuple[str, ...]) -> Iterator[str]:
    chars = 0
    rows = block.get("rows")
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        where = f"{at}/rows/{number}"
        yield from check_items(row, where, TABLE_COLUMNS)
        for column, cell in enumerate(row if isinstance(row, list) else []):
            yield from _cell(cell, f"{where}/{column}", kinds)
            chars += len(str(cell.get("text", ""))) if isinstance(cell, dict) else 0
    if chars > TABLE_CHARS:
        yield complaint(f"cells must have less than {TABLE_CHARS + 1} characters together", f"{at}/rows")


def _cell(cell: Any, at: str, kinds: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(cell, dict) or cell.get("type") not in kinds:
        yield complaint(f"must be one of: {', '.join(kinds)}", at)
    elif cell["type"] == "rich_text":
        yield from check_items(cell.get("elements"), f"{at}/elements", TABLE_CHARS)
    else:
        yield from check_string(cell.get("text"), f"{at}/text", TABLE_CHARS)
        if cell["type"] == "raw_number" and not _is_number(cell.get("value")):
            yield complaint("must be a number", f"{at}/value")


def check_data_visualization(block: dict[str, Any], at: str) -> Iterator[str]:
    """Complain about a `data_visualization` block."""
    yield from check_string(block.get("title"), f"{at}/title", TITLE_CHARS)
    chart = block.get("chart")
    if not isinstance(chart, dict):
        yield complaint("missing required field: chart", at)
    elif chart.get("type") == "pie":
        yield from _pie(chart, f"{at}/chart")
    elif chart.get("type") in {"bar", "line", "area"}:
        yield from _plot(chart, f"{at}/chart")
    else:
        yield complaint("must be one of: pie, bar, line, area", f"{at}/chart/type")


def _pie(chart: dict[str, Any], at: str) -> Iterator[str]:
    segments = chart.get("segments")
    yield from check_items(segments, f"{at}/segments", SERIES)
    for index, segment in enumerate(segments if isinstance(segments, list) else []):
        where = f"{at}/segments/{index}"
        yield from _point(segment, where)
        if isinstance(segment, dict) and _is_number(segment.get("value")) and segment["value"] <= 0:
            yield complaint("must be positive", f"{where}/value")


def _plot(chart: dict[str, Any], at: str) -> Iterator[str]:
    axis = chart.get("axis_config")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    yield from check_items(categories, f"{at}/axis_config/categories", CATEGORIES)
    named = categories if isinstance(categories, list) else []
    for index, category in enumerate(named):
        yield from check_string(category, f"{at}/axis_config/categories/{index}", LABEL_CHARS)
    for name in ("x_label", "y_label"):
        yield from check_optional(
            axis if isinstance(axis, dict) else {}, name, f"{at}/axis_config", TITLE_CHARS
        )
    series = chart.get("series")
    yield from check_items(series, f"{at}/series", SERIES)
    for index, one in enumerate(series if isinstance(series, list) else []):
        yield from _series(one, f"{at}/series/{index}", named)


def _series(series: Any, at: str, categories: list[Any]) -> Iterator[str]:
    if not isinstance(series, dict):
        yield complaint("must be an object", at)
        return
    yield from check_string(series.get("name"), f"{at}/name", LABEL_CHARS)
    data = series.get("data")
    yield from check_items(data, f"{at}/data", CATEGORIES)
    for index, point in enumerate(data if isinstance(data, list) else []):
        yield from _point(point, f"{at}/data/{index}")
        if isinstance(point, dict) and point.get("label") not in categories:
            yield complaint("must be one of the categories", f"{at}/data/{index}/label")


def _point(point: Any, at: str) -> Iterator[str]:
    if not isinstance(point, dict):
        yield complaint("must be an object", at)
        return
    yield from check_string(point.get("label"), f"{at}/label", LABEL_CHARS)
    if not _is_number(point.get("value")):
        yield complaint("must be a number", f"{at}/value")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
