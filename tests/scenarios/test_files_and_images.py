"""Text files and images are read, bounded in size and from Slack alone; all else is named as not read."""

from __future__ import annotations

from typing import Any

from tests.scenarios.conftest import BY_BANDS, Configure
from tests.scenarios.world import GENERAL, World, footer_of, said

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def a_file(name: str, mimetype: str, content: bytes) -> dict[str, Any]:
    """Make a file that hangs on a message."""
    return {"name": name, "mimetype": mimetype, "content": content}


def asked(world: World) -> Any:
    """Return what the model was asked last."""
    return world.bodies()[-1]["messages"][-1]["content"]


def test_text_files_are_read(world: World) -> None:
    """The model sees their texts and names, however they are encoded, and the footer has nothing to add."""
    files = [
        a_file("notes.md", "text/plain", "Größe: 7".encode()),
        a_file("data.json", "application/json", '{"Größe": 7}'.encode()),
        a_file("bom.csv", "text/csv", "Größe,7".encode("utf-8-sig")),
        a_file("windows.txt", "text/plain", "Größe 7".encode("utf-16")),
        a_file("page.html", "text/html", "<p>Größe 7</p>".encode()),
    ]

    (reply,) = world.ask("@penny sum this up", files=files)

    assert asked(world).count("Größe") == 5
    assert all(f"[attached: {file['name']}]" in asked(world) for file in files)
    assert "not read" not in footer_of(reply)
    world.check_books()


def test_an_image_is_shown_to_a_model_that_sees(world: World) -> None:
    """It travels inside the message, and is paid for within the estimate."""
    (reply,) = world.ask("@penny what is this?", files=[a_file("cat.png", "image/png", PNG)])

    text, image = asked(world)
    assert "[attached: cat.png]" in text["text"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert "not read" not in footer_of(reply)
    (record,) = world.records()
    assert record["prompt_tokens"] <= record["prompt_bound"]
    assert record["prompt_bound"] > 5000
    assert record["overrun_usd"] == 0
    world.check_books()


BLIND_ECONOMY = (
    "max_tokens = 1500\nmax_prompt_tokens = 90000\nsees_images = true",
    "max_tokens = 1500\nmax_prompt_tokens = 90000\nsees_images = false",
)


def test_an_image_gets_a_tier_that_sees(world: World, configure: Configure) -> None:
    """Where the tier of such a short message does not, the next one up answers, and the record says why."""
    configure(BY_BANDS, BLIND_ECONOMY)

    (reply,) = world.ask("@penny what is this?", files=[a_file("cat.png", "image/png", PNG)])

    assert asked(world)[1]["type"] == "image_url"
    assert "not read" not in footer_of(reply)
    (record,) = world.records()
    assert record["tier_given"] == "standard"
    assert record["why"]["reads_fewer_files"] == "economy"
    assert record["cost_usd"] <= record["estimate_usd"]
    assert len(world.ask("@penny what is this?")) == 1
    assert world.records()[-1]["tier_given"] == "economy"
    world.check_books()


def test_an_image_that_the_money_does_not_bear(world: World, configure: Configure) -> None:
    """What is left pays for no tier that sees: one that does not answers, and the image is named."""
    configure(BLIND_ECONOMY, ("channel_usd = 5 ", "channel_usd = 0.005 "))

    (reply,) = world.ask("@penny what is this?", files=[a_file("cat.png", "image/png", PNG)])

    assert world.records()[0]["tier_given"] == "economy"
    assert footer_of(reply).endswith("not read: cat.png")
    world.check_books()


def test_an_image_for_a_ladder_that_does_not_see(world: World, configure: Configure) -> None:
    """It is named to model and reader as not read, and is not sent."""
    configure(("sees_images = true", "sees_images = false"))

    (reply,) = world.ask("@penny what is this?", files=[a_file("cat.png", "image/png", PNG)])

    assert "[attached, cannot be read: cat.png]" in asked(world)
    assert footer_of(reply).endswith("not read: cat.png")


def test_what_cannot_be_read_is_named(world: World) -> None:
    """The message is answered all the same, and each such file is named."""
    files = [
        a_file("quarter.pdf", "application/pdf", b"%PDF-1.7"),
        a_file("huge.txt", "text/plain", b"x" * 200_001),
        a_file("binary.txt", "text/plain", b"\xff\x00\xd8"),
        a_file("zeros.txt", "text/plain", b"a\x00b"),
        a_file("huge.png", "image/png", PNG + b"x" * 2_000_000),
        a_file("no-image.png", "image/png", b"<svg>"),
        a_file("gone.txt", "text/plain", b""),
    ]

    (reply,) = world.ask("@penny sum this up", files=files)

    assert said(reply) == "Forty-two."
    assert all(f"[attached, cannot be read: {file['name']}]" in asked(world) for file in files)
    assert footer_of(reply).endswith("not read: quarter.pdf, huge.txt, binary.txt and 4 more")


def test_without_the_right_to_read_files(world: World) -> None:
    """Slack's sign-in page is not taken for the file."""
    world.ask("@penny sum up", files=[a_file("a.txt", "text/plain", b"secret")])
    world.slack.scopes -= {"files:read"}

    (reply,) = world.ask("@penny again", thread=world.records()[0]["message_ts"])

    assert "Sign in" not in str(world.bodies())
    assert said(reply) == "Forty-two."


def test_summoned_into_a_thread(world: World) -> None:
    """A mention in a thread of others brings the whole thread along, with what hangs on its posts."""
    root = world.say("Our plan:", files=[a_file("plan.md", "text/markdown", b"Sell more apples.")])
    world.say("I doubt it", user="grace", thread=root)

    (reply,) = world.ask("@penny who is right?", user="linus", thread=root)

    contents = [message["content"] for message in world.bodies()[0]["messages"][1:]]
    assert "Sell more apples." in contents[0]
    assert contents[1:] == ["U0GRACE001: I doubt it", "U0LINUS001: who is right?"]
    assert "not read" not in footer_of(reply)


def test_many_files(world: World) -> None:
    """Five are read, the others named."""
    files = [a_file(f"{n}.txt", "text/plain", b"words") for n in range(7)]

    (reply,) = world.ask("@penny sum up", files=files, channel=GENERAL)

    assert asked(world).count("[attached: ") == 5
    assert footer_of(reply).endswith("not read: 5.txt, 6.txt")
