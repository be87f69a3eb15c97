// A user's picture: the coin for Penny, else the first letters on a colour of their own.

import { el, icon } from "./dom.js";

const HUES = 8; // as many as style.css has

/** Build the picture of the user with this id; "" is Penny. */
export function avatar(workspace, id, cls = "") {
  if (!id || id === workspace.botUser)
    return el("span", { class: `avatar avatar-bot ${cls}` }, icon("coin", "coin"));
  const letters = firstLetters(workspace.displayName(id)) || "?";
  return el("span", { class: `avatar hue-${hueOf(workspace, id)} ${cls}`, "aria-hidden": "true" }, letters);
}

function firstLetters(name) {
  const words = name.split(/\s+/).filter(Boolean).slice(0, 2);
  return words.map((word) => [...word][0].toUpperCase()).join("");
}

/** Users get the colours in turn, so that neighbours differ. */
function hueOf(workspace, id) {
  return Math.max([...workspace.users.keys()].indexOf(id), 0) % HUES;
}
