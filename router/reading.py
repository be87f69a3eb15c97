"""Reading: what the event alone cannot tell, asked of Slack: the thread so far, and what hangs on it.

A file that is not read is named to the model and to the reader; it is no reason to fail.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from router.adapters.slack_web import SlackWeb
from router.domain.attachment import MOST_FILES, Attachment, Kind, kind_of, most_bytes, read_attachment
from router.domain.message import File, Message, read_files
from router.domain.thread import Author, Post, read_post
from router.errors import SlackRefused, SlackUnavailable
from router.journal import write_line
from router.slack.blocks import MARK
from router.slack.thread import read_thread


@dataclass(frozen=True, slots=True)
class Thread:
    """What was read of the thread: its posts, and the files of the message itself.

    `refused` is Slack's word when it could not be read at all.
    """

    posts: tuple[Post, ...]
    files: tuple[File, ...]
    refused: str = ""

    def has_our_words(self, message: Message) -> bool:
        """Whether we take part in it. A post of ours that began it, a digest, does not make it ours."""
        return any(post.author is Author.US and post.ts != message.thread for post in self.posts)

    def has_answer_to(self, message: Message, again: str) -> bool:
        """Whether `message` has its finished answer (`again`: that by this tier)."""
        return any(p.is_complete and (p.answers, p.again) == (message.ts, again) for p in self.posts)

    def left_behind(self, message: Message, again: str) -> tuple[str, ...]:
        """Return our unfinished posts after `message`: a thread is answered one message after the other."""
        ours = (p for p in self.posts if p.author is Author.US and p.ts > message.ts)
        return tuple(p.ts for p in ours if (p.answers, p.again) in (("", ""), (message.ts, again)))


def read_thread_of(slack: SlackWeb, message: Message, *, is_takeover: bool = False) -> Thread:
    """Read the thread of `message`, where the event cannot tell it.

    A root whose event names its files has nothing before it, and nothing after it but what an earlier owner
    of its claim has posted.
    """
    if not message.is_reply and message.files is not None and not is_takeover:
        return Thread((), message.files)
    try:
        raw = read_thread(slack, message.channel, message.thread)
    except SlackRefused as refused:
        return Thread((), message.files or (), refused.code)
    posts = (read_post(m, message.our_user, MARK) for m in raw)
    own = next((m for m in raw if m.get("ts") == message.ts), {})
    return Thread(tuple(p for p in posts if p), message.files or read_files(own.get("files")))


def read_attachments(slack: SlackWeb, aside: ThreadPoolExecutor, thread: Thread) -> dict[str, Attachment]:
    """Read what can be shown to a model, side by side: the message's own files, then the thread's newest."""
    earlier = (file for post in reversed(thread.posts) for file in post.files)
    found = {file.id: (file, kind) for file in (*thread.files, *earlier) if (kind := kind_of(file))}
    wanted = list(found.items())[:MOST_FILES]
    reading = [(name, aside.submit(_read, slack, file, kind)) for name, (file, kind) in wanted]
    return {name: attachment for name, future in reading if (attachment := future.result())}


def _read(slack: SlackWeb, file: File, kind: Kind) -> Attachment | None:
    try:
        body, content_type = slack.download(file.address, most_bytes(kind))
    except (SlackRefused, SlackUnavailable) as error:
        write_line("reading", "file_not_read", reason=str(error))
        return None
    return read_attachment(file, kind, body, content_type)
