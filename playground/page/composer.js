// Where people write: a box that grows, and a draft kept per place. Enter sends, Shift+Enter breaks the
// line. What a refused message held stays in the box.

import { Attachments } from "./attachments.js";
import { Completion } from "./completion.js";
import { el, icon, iconButton } from "./dom.js";

const MAX_CHARS = 40_000; // Slack cuts a message's text there
const MAX_HEIGHT_PX = 220;

let count = 0;

export class Composer {
  #drafts = new Map(); // place → {text, files}
  #place = null;
  #sending = false;

  /** `send(text, files)` resolves to null, or to words that say why not; commands are completed if asked. */
  constructor(slot, { workspace, send, withCommands = false }) {
    const id = `suggestions-${++count}`;
    this.send = send;
    this.box = this.#buildBox(id);
    const changed = () => this.#onInput();
    this.completion = new Completion(this.box, { id, workspace, changed, withCommands });
    this.attachments = new Attachments({ changed, left: () => this.focus() });
    this.submit = el(
      "button",
      { class: "send", type: "submit", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.error = el("p", { class: "composer-error", role: "alert" });
    slot.replaceChildren(this.#buildForm());
    this.#onInput();
  }

  /** Go to another place (a channel, a thread); its draft comes back. */
  moveTo(place, label) {
    this.box.placeholder = label;
    this.box.setAttribute("aria-label", label);
    if (place === this.#place) return;
    if (this.#place !== null) this.#drafts.set(this.#place, this.#held());
    this.#place = place;
    this.#fill(this.#drafts.get(place) ?? { text: "", files: [] });
    this.#say("");
  }

  get isEmpty() {
    return this.box.value.trim() === "" && this.attachments.files.length === 0;
  }

  focus() {
    this.box.focus({ preventScroll: true });
  }

  #buildBox(listId) {
    return el("textarea", {
      rows: 1,
      maxlength: MAX_CHARS,
      autocomplete: "off",
      enterkeyhint: "send",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      on: { input: () => this.#onInput(), keydown: (event) => this.#onKey(event) },
    });
  }

  #buildForm() {
    const { completion, attachments } = this;
    const bar = el(
      "div",
      { class: "composer-bar" },
      attachments.button,
      iconButton("at", "Mention someone", () => completion.start()),
      el("span", { class: "hint" }, el("kbd", {}, "Shift Enter"), " new line"),
      this.submit,
    );
    const frame = el("div", { class: "composer-box" }, attachments.chips, this.box, bar);
    const form = el("form", { class: "composer" }, completion.list, attachments.panel, frame, this.error);
    attachments.listenTo(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    return form;
  }

  #held() {
    return { text: this.box.value, files: this.attachments.files };
  }

  #fill({ text, files }) {
    this.box.value = text;
    this.attachments.files = files;
  }

  #onInput() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, MAX_HEIGHT_PX)}px`;
    this.submit.disabled = this.isEmpty || this.#sending;
    this.completion.look();
  }

  #onKey(event) {
    if (event.isComposing || this.completion.onKey(event)) return;
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.#submit();
  }

  async #submit() {
    if (this.isEmpty || this.#sending) return;
    const place = this.#place;
    const held = this.#held();
    this.#sending = true;
    this.#fill({ text: "", files: [] });
    this.#say("");
    const refusal = await this.send(held.text.trim(), held.files);
    this.#sending = false;
    if (refusal !== null) this.#giveBack(place, held, refusal);
    this.submit.disabled = this.isEmpty;
  }

  #giveBack(place, held, refusal) {
    if (place !== this.#place) {
      this.#drafts.set(place, held);
      return;
    }
    if (this.isEmpty) this.#fill(held);
    this.#say(refusal);
  }

  #say(words) {
    this.error.textContent = words;
  }
}
