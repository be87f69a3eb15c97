// The left column: channels, direct messages, and who I am.

import { avatar } from "./avatar.js";
import { el, icon } from "./dom.js";

export class Sidebar {
  /** `open(channel)` and `become(user)` are called when people choose. */
  constructor(node, { workspace, open, become }) {
    this.node = node;
    this.workspace = workspace;
    this.open = open;
    this.become = become;
    this.channels = el("ul", { class: "nav-list" });
    this.directs = el("ul", { class: "nav-list" });
    this.directsTitle = el("h2", { class: "nav-title" }, "Direct messages");
    this.me = el("div", { class: "me" });
    node.replaceChildren(
      el(
        "div",
        { class: "nav-scroll" },
        el("h2", { class: "nav-title" }, "Channels"),
        this.channels,
        this.directsTitle,
        this.directs,
      ),
      this.me,
    );
  }

  /** Show the channels, with `current` chosen. */
  show(current) {
    const { workspace } = this;
    fill(
      this.channels,
      workspace.openChannels.map((channel) => this.#entry(channel, current)),
    );
    fill(
      this.directs,
      workspace.directMessages.map((channel) => this.#entry(channel, current)),
    );
    this.directsTitle.hidden = workspace.directMessages.length === 0;
    this.#showMe();
  }

  #entry(channel, current) {
    const { workspace } = this;
    const unread = workspace.unread.has(channel.id);
    const [first] = workspace.othersIn(channel.id) ?? [null];
    const picture =
      first === null
        ? icon(channel.is_private ? "lock" : "hash", "icon nav-icon")
        : avatar(workspace, first, "avatar-tiny");
    const name = workspace.channelName(channel.id);
    const button = el(
      "button",
      {
        class: `nav-item${unread ? " unread" : ""}`,
        type: "button",
        "aria-current": channel.id === current ? "page" : null,
        data: { channel: channel.id },
        on: { click: () => this.open(channel.id) },
      },
      picture,
      el("span", { class: "nav-name" }, name),
      unread && el("span", { class: "dot", role: "img", "aria-label": "unread" }),
    );
    return el("li", {}, button);
  }

  #showMe() {
    const { workspace } = this;
    const print = JSON.stringify([workspace.me, workspace.people.map((user) => [user.id, user.real_name])]);
    if (this.shownMe === print) return;
    this.shownMe = print;
    const choose = (event) => this.become(event.target.value);
    const choice = el(
      "select",
      { class: "me-choice", "aria-label": "Who I am", on: { change: choose } },
      workspace.people.map((user) =>
        el("option", { value: user.id, selected: user.id === workspace.me }, named(workspace, user)),
      ),
    );
    this.me.replaceChildren(
      avatar(workspace, workspace.me),
      el(
        "div",
        { class: "me-text" },
        el(
          "span",
          { class: "me-label" },
          ["You are", workspace.users.get(workspace.me)?.role].filter(Boolean).join(", "),
        ),
        el("span", { class: "me-name" }, workspace.displayName(workspace.me)),
      ),
      choice,
    );
  }
}

/** Say who it is, and as what they are in the workspace where that matters. */
function named(workspace, user) {
  const name = workspace.displayName(user?.id ?? "");
  return user?.role ? `${name} (${user.role})` : name;
}

/** Replace a list, keeping the focus on the entry of the same channel. */
function fill(list, entries) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.channel : null;
  list.replaceChildren(...entries);
  if (focused)
    [...list.querySelectorAll("button")].find((button) => button.dataset.channel === focused)?.focus();
}
