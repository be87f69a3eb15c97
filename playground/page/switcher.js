// The quick way to another channel: a few letters, arrows, Enter.

import { avatar } from "./avatar.js";
import { el, icon } from "./dom.js";

export class Switcher {
  #matches = [];
  #chosen = 0;

  constructor({ workspace, open }) {
    this.workspace = workspace;
    this.open = open;
    this.field = el("input", {
      class: "field switcher-field",
      type: "text",
      placeholder: "Jump to a channel or direct message",
      autocomplete: "off",
      spellcheck: "false",
      role: "combobox",
      "aria-label": "Jump to a channel or direct message",
      "aria-expanded": "true",
      "aria-controls": "switcher-list",
      "aria-autocomplete": "list",
      on: { input: () => this.#find(), keydown: (event) => this.#onKey(event) },
    });
    this.list = el("ul", {
      class: "suggestions switcher-list",
      id: "switcher-list",
      role: "listbox",
      "aria-label": "Channels",
    });
    this.dialog = el(
      "dialog",
      {
        class: "switcher",
        "aria-label": "Jump to a channel",
        on: { click: (event) => event.target === this.dialog && this.dialog.close() },
      },
      this.field,
      this.list,
    );
    document.body.append(this.dialog);
  }

  /** Open it, or close it if it is open. */
  toggle() {
    if (this.dialog.open) return this.dialog.close();
    this.field.value = "";
    this.#find();
    return this.dialog.showModal();
  }

  #find() {
    const typed = this.field.value.trim().toLowerCase().replace(/^[#@]/, "");
    const { workspace } = this;
    const rank = (channel) => workspace.channelName(channel.id).toLowerCase().indexOf(typed);
    const all = [...workspace.directMessages, ...workspace.openChannels].filter(
      (channel) => rank(channel) >= 0,
    );
    const unread = (channel) => Number(workspace.unread.has(channel.id));
    this.#matches = all.sort((a, b) => unread(b) - unread(a) || Math.sign(rank(a)) - Math.sign(rank(b)));
    this.#chosen = 0;
    this.#show();
  }

  #show() {
    this.list.replaceChildren(
      ...this.#matches.map((channel, at) => {
        const [first] = this.workspace.othersIn(channel.id) ?? [null];
        const picture =
          first === null
            ? icon(channel.is_private ? "lock" : "hash")
            : avatar(this.workspace, first, "avatar-small");
        const unread = this.workspace.unread.has(channel.id);
        return el(
          "li",
          {
            id: `switcher-${at}`,
            role: "option",
            "aria-selected": String(at === this.#chosen),
            on: { click: () => this.#go(at) },
          },
          picture,
          el("span", {}, this.workspace.channelName(channel.id)),
          unread && el("span", { class: "dot" }),
        );
      }),
    );
    if (!this.#matches.length)
      this.list.replaceChildren(el("li", { class: "quiet" }, "No channel is called that."));
    this.field.setAttribute("aria-activedescendant", `switcher-${this.#chosen}`);
    this.list.children[this.#chosen]?.scrollIntoView({ block: "nearest" });
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#matches.length) {
      event.preventDefault();
      this.#chosen = (this.#chosen + step + this.#matches.length) % this.#matches.length;
      this.#show();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.#go(this.#chosen);
    }
  }

  #go(at) {
    const channel = this.#matches[at];
    if (!channel) return;
    this.dialog.close();
    this.open(channel.id);
  }
}
