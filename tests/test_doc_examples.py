"""Examples in the documentation are what the code prints, and the check that says so can fail."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from docs.examples import EXAMPLES, BadBlock, bring_up_to_date, filled_in, main
from router.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def block(name: str, content: str = "") -> str:
    """Write a block of a page."""
    return f"before\n\n<!-- example: {name} -->\n{content}<!-- end -->\n\nafter\n"


def test_the_documentation_is_up_to_date() -> None:
    """Every example in README.md and docs/ is what the code prints today."""
    command = [sys.executable, "docs/examples.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_block_is_filled_in_once(name: str) -> None:
    """Filling in replaces what stood there, keeps the text around it, and changes nothing the second time.

    So an example is the same each time: it depends on the code alone, not on the clock or the terminal.
    """
    page = filled_in(block(name, "old words\n"))
    example = EXAMPLES[name]()

    assert page.startswith("before\n\n<!-- example: ")
    assert page.endswith("<!-- end -->\n\nafter\n")
    assert example != ""
    assert example in page
    assert "old words" not in page
    assert filled_in(page) == page


@pytest.mark.parametrize(
    "page",
    [
        block("no-such-example"),
        "<!-- example: footer -->\nno end\n",
        "no beginning\n<!-- end -->\n",
        "<!-- example: footer -->\n<!-- example: footer -->\n<!-- end -->\n",
        "<!-- example: two words -->\n<!-- end -->\n",
    ],
)
def test_a_block_that_cannot_be_filled_in_is_told(page: str) -> None:
    """A misspelt name or a missing mark never passes as an example that was checked."""
    with pytest.raises(BadBlock):
        filled_in(page)


def test_a_page_that_differs_is_found_and_put_right(tmp_path: Path) -> None:
    """Checking names the page and changes nothing; writing puts it right; then checking is content."""
    page = tmp_path / "page.md"
    page.write_text(block("footer", "a footer of long ago\n"), encoding="utf-8")

    (found,) = bring_up_to_date([page], write=False)
    assert str(page) in found
    assert "long ago" in page.read_text(encoding="utf-8")

    assert bring_up_to_date([page], write=True) == []
    assert EXAMPLES["footer"]() in page.read_text(encoding="utf-8")
    assert bring_up_to_date([page], write=False) == []


def test_a_page_that_cannot_be_put_right_stays_as_it_is(tmp_path: Path) -> None:
    """Writing a page with an unknown example changes nothing of it and says so."""
    page = tmp_path / "page.md"
    page.write_text(block("no-such-example", "words\n"), encoding="utf-8")

    (found,) = bring_up_to_date([page], write=True)

    assert "no-such-example" in found
    assert page.read_text(encoding="utf-8") == block("no-such-example", "words\n")


def test_every_setting_is_in_the_table() -> None:
    """The table of settings has a row for each, that says what it is and who needs it."""
    rows = {row.split("`")[1]: row for row in EXAMPLES["settings"]().splitlines()[2:]}

    assert set(rows) == {field.name.upper() for field in fields(Settings)}
    for row in rows.values():
        _, variable, _, needed_by, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert variable
        assert needed_by
        assert meaning
    assert str(ROOT) not in EXAMPLES["settings"]()


def test_the_config_example_is_the_whole_file() -> None:
    """The documentation shows config.toml as it is shipped."""
    assert (
        EXAMPLES["config"]().splitlines()[1:-1]
        == (ROOT / "config.toml").read_text(encoding="utf-8").splitlines()
    )


def test_one_example_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes a page can look at an example first; a name that is none is wrong usage."""
    assert main(["footer"]) == 0
    assert capsys.readouterr().out == EXAMPLES["footer"]() + "\n"
    with pytest.raises(SystemExit) as wrong_usage:
        main(["no-such-example"])
    assert wrong_usage.value.code == 2
