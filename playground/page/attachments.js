// The files of a message being written: chosen by name in a small panel, shown as chips.

import { el, icon, iconButton } from "./dom.js";

const MAX_FILES = 10; // the API takes no more
const MAX_NAME_CHARS = 120;
const SAMPLES = ["chart.png", "contract.pdf", "sales.csv"];
const UNKNOWN_KIND = "application/octet-stream";
const KINDS = new Map([
  ["csv", "text/csv"],
  ["gif", "image/gif"],
  ["jpeg", "image/jpeg"],
  ["jpg", "image/jpeg"],
  ["json", "application/json"],
  ["md", "text/markdown"],
  ["mp4", "video/mp4"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["py", "text/x-python"],
  ["txt", "text/plain"],
  ["webp", "image/webp"],
  ["zip", "application/zip"],
]);

export class Attachments {
  #files = [];

  /** `changed()` is called when files come or go, `left()` when people are done choosing. */
  constructor({ changed, left }) {
    this.changed = changed;
    this.left = left;
    this.chips = el("div", { class: "chips" });
    this.panel = this.#buildPanel();
    this.button = iconButton("attach", "Attach a file", () => this.#open(this.panel.hidden));
    this.button.setAttribute("aria-expanded", "false");
  }

  get files() {
    return this.#files;
  }

  set files(files) {
    this.#files = files.slice(0, MAX_FILES);
    this.#showChips();
    this.changed();
  }

  #buildPanel() {
    const what = { type: "text", class: "field", placeholder: "name.pdf", "aria-label": "File name" };
    this.name = el("input", { ...what, maxlength: MAX_NAME_CHARS, autocomplete: "off" });
    const add = el("button", { class: "button button-primary", type: "button" }, "Add");
    add.addEventListener("click", () => this.#add(this.name.value));
    return el(
      "div",
      {
        class: "picker",
        role: "group",
        "aria-label": "Files",
        hidden: true,
        on: { keydown: (event) => this.#onKey(event) },
      },
      el("p", { class: "picker-note" }, "A file here is a name and a type; there are no bytes."),
      el("div", { class: "picker-row" }, this.name, add),
      el(
        "div",
        { class: "picker-row" },
        SAMPLES.map((sample) => this.#sample(sample)),
      ),
    );
  }

  #sample(name) {
    return el("button", { class: "button", type: "button", on: { click: () => this.#add(name) } }, name);
  }

  #onKey(event) {
    if (event.key === "Escape") this.#open(false);
    else if (event.key === "Enter" && event.target === this.name && !event.isComposing)
      this.#add(this.name.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #open(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.name.focus();
    else this.left();
  }

  #add(typed) {
    const name = typed.trim();
    const ending = name.split(".").at(-1).toLowerCase();
    if (name) this.files = [...this.#files, { name, mimetype: KINDS.get(ending) ?? UNKNOWN_KIND }];
    this.name.value = "";
    this.#open(false);
  }

  #showChips() {
    this.chips.replaceChildren(...this.#files.map((file) => fileChip(file, () => this.#remove(file))));
  }

  #remove(file) {
    this.files = this.#files.filter((other) => other !== file);
    this.left();
  }
}

/** Build a file's chip; with `remove`, it can be taken away, else it says its type. */
export function fileChip(file, remove = null) {
  const name = String(file?.name ?? "file");
  const kind = String(file?.mimetype ?? "");
  return el(
    "span",
    { class: "file" },
    icon(kind.startsWith("image/") ? "image" : "file"),
    el("span", { class: "file-name" }, name),
    remove ? iconButton("close", `Remove ${name}`, remove) : el("span", { class: "file-kind" }, kind),
  );
}
