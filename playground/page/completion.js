// Completion in a text box: of @names, and of commands where a message begins with a slash. A list above
// the box, arrows to move, Enter or Tab to take.

import { avatar } from "./avatar.js";
import { el } from "./dom.js";

const MAX_SHOWN = 6;
const NAME_BEGUN = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u;
const COMMAND_BEGUN = /^\/([a-z0-9_-]*)$/;

export class Completion {
  #offers = []; // {picture, title, about, text}: `text` is what takes the place of what was begun
  #chosen = 0;
  #begun = "";

  /** `id` tells the lists of several boxes apart; `changed()` hears that something was written into the box. */
  constructor(box, { id, workspace, changed, withCommands }) {
    this.box = box;
    this.id = id;
    this.workspace = workspace;
    this.changed = changed;
    this.withCommands = withCommands;
    this.list = el("ul", {
      class: "suggestions",
      id,
      role: "listbox",
      "aria-label": "Suggestions",
      hidden: true,
    });
    box.addEventListener("blur", () => this.#offer([]));
    box.addEventListener("click", () => this.look());
  }

  /** Offer what continues the words before the caret. */
  look() {
    const before = this.box.value.slice(0, this.box.selectionStart);
    if (document.activeElement !== this.box) return this.#offer([]);
    const name = NAME_BEGUN.exec(before);
    if (name) return this.#offer(this.#people(name[1].toLowerCase()), `@${name[1]}`);
    const command = this.withCommands && COMMAND_BEGUN.exec(before);
    return this.#offer(command ? this.#commands(before) : [], before);
  }

  /** Begin a mention at the caret. */
  start() {
    const { box } = this;
    box.focus();
    const isApart = /(^|\s)$/.test(box.value.slice(0, box.selectionStart));
    box.setRangeText(isApart ? "@" : " @", box.selectionStart, box.selectionEnd, "end");
    this.changed();
  }

  /** Take a key that is meant for the open list; say whether it was. */
  onKey(event) {
    if (this.#offers.length === 0) return false;
    if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp") this.#move(-1);
    else if (event.key === "Tab" || event.key === "Enter") this.#take(this.#offers[this.#chosen]);
    else if (event.key === "Escape") this.#offer([]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #people(start) {
    const begins = (name) =>
      String(name ?? "")
        .toLowerCase()
        .startsWith(start);
    const others = [...this.workspace.users.values()].filter((user) => user.id !== this.workspace.me);
    const matches = others.filter((user) => begins(user.name) || begins(user.real_name));
    const rank = (user) => Number(user.id !== this.workspace.botUser);
    matches.sort((a, b) => rank(a) - rank(b) || String(a.name).localeCompare(String(b.name)));
    return matches.map((user) => ({
      picture: avatar(this.workspace, user.id, "avatar-small"),
      title: String(user.name ?? user.id),
      about: String(user.real_name ?? ""),
      text: `@${user.name} `,
    }));
  }

  #commands(start) {
    const { commands, botUser } = this.workspace;
    return commands
      .filter(({ command }) => String(command).startsWith(start))
      .map(({ command, description, usage_hint }) => ({
        picture: avatar(this.workspace, botUser, "avatar-small"),
        title: [command, usage_hint].filter(Boolean).join(" "),
        about: String(description ?? ""),
        text: `${command} `,
      }));
  }

  #offer(offers, begun = "") {
    this.#offers = offers.slice(0, MAX_SHOWN);
    this.#begun = begun;
    this.#chosen = 0;
    this.#show();
  }

  #move(step) {
    this.#chosen = (this.#chosen + step + this.#offers.length) % this.#offers.length;
    this.#show();
  }

  #show() {
    const isOpen = this.#offers.length > 0;
    this.list.hidden = !isOpen;
    this.list.replaceChildren(...this.#offers.map((offer, at) => this.#option(offer, at)));
    this.box.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.box.setAttribute("aria-activedescendant", `${this.id}-${this.#chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #option(offer, at) {
    const take = (event) => {
      event.preventDefault(); // the box keeps the focus
      this.#take(offer);
    };
    return el(
      "li",
      {
        id: `${this.id}-${at}`,
        role: "option",
        "aria-selected": String(at === this.#chosen),
        on: { mousedown: take },
      },
      offer.picture,
      el("strong", {}, offer.title),
      el("span", { class: "quiet" }, offer.about),
    );
  }

  #take({ text }) {
    const { box } = this;
    const caret = box.selectionStart;
    box.setRangeText(text, caret - this.#begun.length, caret, "end");
    this.changed();
    box.focus();
  }
}
