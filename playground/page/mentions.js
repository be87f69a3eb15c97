// Completion of `@names` in a text box: a list above it, arrows to move, Enter or Tab to take.

import { avatar } from "./avatar.js";
import { el } from "./dom.js";

const MAX_SHOWN = 6;
const BEGUN = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u;

export class Mentions {
  #users = [];
  #chosen = 0;

  /** `id` tells the lists of several boxes apart; `changed()` hears that a name was written into the box. */
  constructor(box, { id, workspace, changed }) {
    this.box = box;
    this.id = id;
    this.workspace = workspace;
    this.changed = changed;
    this.list = el("ul", { class: "suggestions", id, role: "listbox", "aria-label": "People", hidden: true });
    box.addEventListener("blur", () => this.#suggest([]));
    box.addEventListener("click", () => this.look());
  }

  /** Offer the users whose name begins as what was typed before the caret. */
  look() {
    const begun = BEGUN.exec(this.box.value.slice(0, this.box.selectionStart));
    this.#suggest(begun && document.activeElement === this.box ? this.#matching(begun[1].toLowerCase()) : []);
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
    if (this.#users.length === 0) return false;
    if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp") this.#move(-1);
    else if (event.key === "Tab" || event.key === "Enter") this.#take(this.#users[this.#chosen]);
    else if (event.key === "Escape") this.#suggest([]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #matching(start) {
    const begins = (name) =>
      String(name ?? "")
        .toLowerCase()
        .startsWith(start);
    const others = [...this.workspace.users.values()].filter((user) => user.id !== this.workspace.me);
    const matches = others.filter((user) => begins(user.name) || begins(user.real_name));
    const rank = (user) => Number(user.id !== this.workspace.botUser);
    matches.sort((a, b) => rank(a) - rank(b) || String(a.name).localeCompare(String(b.name)));
    return matches.slice(0, MAX_SHOWN);
  }

  #suggest(users) {
    this.#users = users;
    this.#chosen = 0;
    this.#show();
  }

  #move(step) {
    this.#chosen = (this.#chosen + step + this.#users.length) % this.#users.length;
    this.#show();
  }

  #show() {
    const isOpen = this.#users.length > 0;
    this.list.hidden = !isOpen;
    this.list.replaceChildren(...this.#users.map((user, at) => this.#option(user, at)));
    this.box.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.box.setAttribute("aria-activedescendant", `${this.id}-${this.#chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #option(user, at) {
    const take = (event) => {
      event.preventDefault(); // the box keeps the focus
      this.#take(user);
    };
    const chosen = String(at === this.#chosen);
    return el(
      "li",
      { id: `${this.id}-${at}`, role: "option", "aria-selected": chosen, on: { mousedown: take } },
      avatar(this.workspace, user.id, "avatar-small"),
      el("strong", {}, String(user.name ?? user.id)),
      el("span", { class: "quiet" }, String(user.real_name ?? "")),
    );
  }

  #take(user) {
    const { box } = this;
    const caret = box.selectionStart;
    box.setRangeText(`@${user.name} `, box.value.lastIndexOf("@", caret - 1), caret, "end");
    this.changed();
    box.focus();
  }
}
