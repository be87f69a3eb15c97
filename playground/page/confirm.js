// The question before a press that needs one (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object).

import { el } from "./dom.js";
import { withEmoji } from "./emoji.js";

const text = (object, otherwise) => withEmoji(typeof object?.text === "string" ? object.text : otherwise);

/** Ask what a confirmation object says; true at once where there is none. */
export function confirmed(asked) {
  if (!asked || typeof asked !== "object") return Promise.resolve(true);
  return new Promise((resolve) => {
    const style = asked.style === "danger" ? "button-danger" : "button-primary";
    const answer = (value, words, cls) =>
      el(
        "button",
        { class: `button ${cls}`, type: "button", on: { click: () => dialog.close(value) } },
        words,
      );
    const dialog = el(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", on: { close: () => leave() } },
      el("h2", { id: "confirm-title" }, text(asked.title, "Are you sure?")),
      el("p", {}, text(asked.text, "")),
      el(
        "div",
        { class: "confirm-buttons" },
        answer("", text(asked.deny, "Cancel"), ""),
        answer("yes", text(asked.confirm, "Yes"), style),
      ),
    );
    const leave = () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}
