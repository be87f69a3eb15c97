// The files of a message being written: chosen from this computer, dropped, pasted or sampled, shown as
// chips; and the files of a message that was posted.

import { el, icon, iconButton, toast } from "./dom.js";
import { SAMPLES } from "./samples.js";

const MAX_FILES = 10; // the API takes no more
const MAX_BYTES = 10_000_000; // all together: as base64 they must fit the API's body
const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]); // those the API shows inline
const UNKNOWN_KIND = "application/octet-stream";

export class Attachments {
  #files = []; // {name, mimetype, size, content}, the content as base64

  /** `changed()` is called when files come or go, `left()` when people are done choosing. */
  constructor({ changed, left }) {
    this.changed = changed;
    this.left = left;
    this.chips = el("div", { class: "chips" });
    this.chooser = el("input", {
      type: "file",
      multiple: true,
      class: "unseen",
      tabindex: -1,
      "aria-label": "Files from this computer",
      on: { change: () => this.#addChosen() },
    });
    this.panel = this.#buildPanel();
    this.button = iconButton("attach", "Attach a file", () => this.#open(this.panel.hidden));
    this.button.setAttribute("aria-expanded", "false");
  }

  get files() {
    return this.#files;
  }

  set files(files) {
    this.#files = files;
    this.#showChips();
    this.changed();
  }

  /** Take files in, as many as fit. */
  async add(files) {
    const read = await Promise.all([...files].map(readFile));
    const all = [...this.#files, ...read];
    if (all.length > MAX_FILES) toast(`A message takes ${MAX_FILES} files.`);
    const fitting = all.slice(0, MAX_FILES);
    if (fitting.reduce((sum, file) => sum + file.size, 0) > MAX_BYTES)
      toast("Together these files are too large.");
    else this.files = fitting;
  }

  /** Let files be dropped on `node` and pasted into it. */
  listenTo(node) {
    const holds = (event) => event.dataTransfer?.types.includes("Files");
    node.addEventListener("dragover", (event) => holds(event) && event.preventDefault());
    node.addEventListener("drop", (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
    node.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
  }

  #buildPanel() {
    const choose = () => this.chooser.click();
    return el(
      "div",
      {
        class: "picker",
        role: "group",
        "aria-label": "Files",
        hidden: true,
        on: { keydown: (event) => this.#onKey(event) },
      },
      el("button", { class: "button", type: "button", on: { click: choose } }, "From this computer…"),
      el("p", { class: "picker-note" }, "Or one made on the spot:"),
      el(
        "div",
        { class: "picker-row" },
        SAMPLES.map((sample) => this.#sample(sample)),
      ),
      this.chooser,
    );
  }

  #sample({ name, make }) {
    const add = async () => {
      await this.add([await make()]);
      this.#open(false);
    };
    return el("button", { class: "button", type: "button", on: { click: add } }, name);
  }

  async #addChosen() {
    await this.add(this.chooser.files);
    this.chooser.value = "";
    this.#open(false);
  }

  #onKey(event) {
    if (event.key !== "Escape") return;
    this.#open(false);
    event.preventDefault();
    event.stopPropagation();
  }

  #open(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.panel.querySelector("button").focus();
    else this.left();
  }

  #showChips() {
    this.chips.replaceChildren(...this.#files.map((file) => fileChip(file, () => this.#remove(file))));
  }

  #remove(file) {
    this.files = this.#files.filter((other) => other !== file);
    this.left();
  }
}

async function readFile(file) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
  const content = address.slice(address.indexOf(",") + 1);
  return { name: file.name, mimetype: file.type || UNKNOWN_KIND, size: file.size, content };
}

/** Show a file of a message: a picture as such, any other as a chip that saves it. */
export function fileShown(file) {
  const address = `/api/files/${encodeURIComponent(String(file?.id ?? ""))}`;
  const name = String(file?.name ?? "file");
  if (file?.size > 0 && SHOWN.has(file.mimetype))
    return el(
      "a",
      { class: "picture", href: address, target: "_blank" },
      el("img", { src: address, alt: name }),
    );
  return file?.size > 0
    ? el("a", { class: "file-link", href: address, download: name }, fileChip(file))
    : fileChip(file);
}

function fileChip(file, remove = null) {
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
