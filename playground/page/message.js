// One message as a row: author, time, body, files, blocks, and the way into its thread. A row
// updates in place and only where something changed, so that a button can be pressed, and a
// selection kept, while text streams in beside it.

import { fileShown } from "./attachments.js";
import { avatar } from "./avatar.js";
import { BlockList } from "./blocks.js";
import { el, icon, iconButton } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { healed, markdown } from "./markdown.js";
import { clock, shortClock, timeOf } from "./moment.js";
import { mrkdwn } from "./mrkdwn.js";
import { Reveal } from "./reveal.js";
import { isRoot } from "./workspace.js";

const COMPACT_WITHIN_S = 300;
const TOLD_BY_SLACK = new Set([
  "channel_join",
  "channel_leave",
  "channel_topic",
  "channel_name",
  "group_join",
  "tombstone",
]);

export class MessageRow {
  #shown = {};
  #reveal = new Reveal((text) => this.#showFlow(text));

  /**
   * `where` is "channel" or "thread"; `scene` is `{names, workspace, act(action, control),
   * openThread(message), dismiss(message), deliverAgain(message)}`.
   */
  constructor(scene, where) {
    this.scene = scene;
    this.where = where;
    this.gutter = el("div", { class: "gutter" });
    this.byline = el("div", { class: "byline" });
    this.text = el("div", { class: "rich text" });
    this.files = el("div", { class: "files" });
    this.blocks = el("div", { class: "blocks" });
    this.list = new BlockList(this.blocks, {
      names: scene.names,
      workspace: scene.workspace,
      act: (action, control) => scene.act({ ...action, message_ts: this.message.ts }, control),
    });
    this.reactions = el("div", { class: "reactions" });
    this.foot = el("div", { class: "foot" });
    this.tools = el("div", { class: "tools" });
    this.node = el(
      "article",
      { class: "message" },
      this.gutter,
      el(
        "div",
        { class: "content" },
        this.byline,
        this.text,
        this.files,
        this.blocks,
        this.reactions,
        this.foot,
      ),
      this.tools,
    );
  }

  /** Show the message; `before` is the one above it, the rest belongs to its thread (`stateOf`). */
  update({ message, before, replies, status, unread }) {
    const compact = this.#followsOn(message, before);
    const { names } = this.scene;
    this.node.classList.toggle("compact", compact);
    this.node.classList.toggle("streaming", message.streaming);
    this.node.classList.toggle("only-for-me", Boolean(message.onlyForMe));
    this.node.classList.toggle("told-by-slack", message.deleted || TOLD_BY_SLACK.has(message.subtype));
    this.#part("byline", [message.user, message.ts, compact, message.onlyForMe, names.version()], () =>
      this.#showByline(message, compact),
    );
    this.#part(
      "text",
      [
        message.text,
        message.streaming,
        message.edited,
        message.deleted,
        message.blocks.length > 0,
        names.version(),
      ],
      () => this.#showText(message),
    );
    this.#part("files", [message.files], () =>
      this.files.replaceChildren(...message.files.map((file) => fileShown(file))),
    );
    this.#part("blocks", [message.blocks, message.streaming, names.version()], () =>
      this.#showBlocks(message),
    );
    this.#part("reactions", [message.reactions], () => this.#showReactions(message));
    this.#part("foot", [replies, status, unread], () => this.#showFoot(message, replies, status, unread));
    this.#part("tools", [message.onlyForMe, message.deleted], () => this.#showTools(message));
    this.message = message;
  }

  #part(name, state, show) {
    const print = JSON.stringify(state);
    if (this.#shown[name] === print) return;
    this.#shown[name] = print;
    show();
  }

  #followsOn(message, before) {
    return (
      Boolean(before) &&
      before.user === message.user &&
      !before.onlyForMe &&
      !message.onlyForMe &&
      this.where === "channel" &&
      before.replyCount === 0 &&
      Number(message.ts) - Number(before.ts) < COMPACT_WITHIN_S
    );
  }

  #showByline(message, compact) {
    const { workspace } = this.scene;
    const name = workspace.displayName(message.user || (message.bot ? workspace.botUser : ""));
    const isBot = message.bot || message.user === workspace.botUser;
    this.gutter.replaceChildren(
      compact ? shortClock(message.ts, "gutter-time") : avatar(workspace, message.user),
    );
    this.byline.replaceChildren(
      ...(message.onlyForMe ? [el("p", { class: "only-note" }, icon("eye"), "Only visible to you")] : []),
      el("span", { class: "author" }, name),
      ...(isBot ? [el("span", { class: "app-tag" }, "app")] : []),
      clock(message.ts, "time"),
    );
  }

  // The API: blocks, where there are any, say all that the text says. Text without blocks is Markdown
  // while it streams, and else what Slack's `text` is.
  #showText(message) {
    const hasBlocks = message.blocks.length > 0;
    if (message.streaming && !hasBlocks) return this.#reveal.to(message.text);
    this.#reveal.stop();
    this.text.replaceChildren();
    if (message.deleted) this.text.append("This message was deleted.");
    else if (!hasBlocks) this.text.append(mrkdwn(message.text, this.scene.names));
    if (message.edited && !message.bot)
      lastLine(this.text).append(el("span", { class: "edited" }, " (edited)"));
    return undefined;
  }

  #showFlow(text) {
    this.text.replaceChildren(markdown(healed(text), this.scene.names));
    lastLine(this.text).append(caret());
  }

  #showBlocks(message) {
    this.list.show(message.blocks, message.streaming);
    this.blocks.querySelector(".caret")?.remove();
    const written = message.streaming && [...this.blocks.querySelectorAll(".block-markdown > .rich")].at(-1);
    if (written) lastLine(written).append(caret());
  }

  #showReactions(message) {
    const chips = Object.entries(message.reactions).filter(([, count]) => count > 0);
    this.reactions.replaceChildren(
      ...chips.map(([name, count]) =>
        el(
          "span",
          { class: "reaction", title: `:${name}:` },
          withEmoji(`:${name}:`),
          el("span", {}, String(count)),
        ),
      ),
    );
  }

  #showFoot(message, replies, status, unread) {
    const lines = [];
    if (this.where === "channel" && replies.count > 0) {
      const label = replies.count === 1 ? "1 reply" : `${replies.count} replies`;
      const last = replies.latest
        ? el("span", { class: "last-reply" }, ` last at ${timeOf(replies.latest)}`)
        : null;
      lines.push(
        el(
          "button",
          {
            class: `replies${unread ? " unread" : ""}`,
            type: "button",
            on: { click: () => this.scene.openThread(this.message) },
          },
          icon("thread"),
          el("span", { class: "replies-count" }, label),
          last,
        ),
      );
    }
    if (this.where === "channel" && status) lines.push(statusLine(this.scene.workspace.botName, status));
    this.foot.replaceChildren(...lines);
  }

  #showTools(message) {
    const { scene } = this;
    const tools = [];
    if (message.onlyForMe) tools.push(iconButton("close", "Dismiss", () => scene.dismiss(this.message)));
    else if (!message.deleted) {
      if (!message.bot)
        tools.push(
          iconButton("again", "Deliver this event 11 more times", () => scene.deliverAgain(this.message)),
        );
      if (this.where === "channel")
        tools.push(iconButton("thread", "Reply in thread", () => scene.openThread(this.message)));
    }
    this.tools.replaceChildren(...tools);
  }
}

const caret = () => el("span", { class: "caret", "aria-hidden": "true" });

/** Return what a row shows of its message's thread, unless that is `openThread`, which stands beside it. */
export function stateOf(workspace, message, openThread) {
  const { channel, ts } = message;
  const root = isRoot(message);
  return {
    replies: root ? workspace.replies(channel, ts) : { count: 0, latest: "" },
    status: root && ts !== openThread ? workspace.status(channel, ts) : "",
    unread: workspace.unreadThreads.has(`${channel}/${ts}`),
  };
}

/** Build the line that says what the bot is doing. */
export function statusLine(name, status) {
  const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  return el("p", { class: "status-line" }, dots, el("span", {}, `${name} ${status}`));
}

/** Find the element that a caret would stand in: the end of the last line. */
function lastLine(node) {
  let last = node;
  while (
    last.lastElementChild &&
    DESCEND.has(last.lastElementChild.tagName) &&
    endsWith(last, last.lastElementChild)
  )
    last = last.lastElementChild;
  return last;
}

const DESCEND = new Set("P UL OL LI BLOCKQUOTE DIV PRE CODE TABLE TBODY TR TD H3 H4 H5 H6".split(" "));
const endsWith = (node, child) => !child.nextSibling || child.nextSibling.textContent.trim() === "";
