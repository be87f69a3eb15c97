// A scrolling list of messages: keeps a row per message, days between them, and the view at the end
// while one reads there. What else stands in it (an empty state, a status) is its caller's.

import { el, icon, place } from "./dom.js";
import { MessageRow } from "./message.js";
import { dayOf } from "./moment.js";

const AT_END_PX = 60;

export class Pane {
  #rows = new Map(); // ts → MessageRow
  #marks = new Map(); // day or kind → divider
  #key = null;
  #wasAtEnd = true;

  constructor(scroller, scene, where) {
    this.scroller = scroller;
    this.scene = scene;
    this.where = where;
    this.list = el("div", { class: "message-list" });
    this.after = el("div", { class: "after-list" });
    this.jump = el(
      "button",
      { class: "jump-to-end", type: "button", hidden: true, on: { click: () => this.toEnd("smooth") } },
      icon("jump"),
      "Newest",
    );
    scroller.replaceChildren(this.list, this.after);
    scroller.after(this.jump);
    scroller.addEventListener("scroll", () => this.#showJump(), { passive: true });
    const sizes = new ResizeObserver(() => this.#wasAtEnd && this.toEnd());
    for (const node of [scroller, this.list, this.after]) sizes.observe(node);
  }

  /** Show these messages; `key` names what is shown, and another key starts at the end again. */
  show(key, messages, { stateOf, dividerAfterFirst = null, after = [] }) {
    const anew = key !== this.#key;
    if (anew) this.#startOver(key);
    const stay = anew || this.#isAtEnd();
    const nodes = [];
    let before = null;
    for (const message of messages) {
      const state = stateOf(message);
      if (this.where === "channel" && dayOf(message.ts) !== dayOf(before?.ts)) {
        nodes.push(this.#mark(dayOf(message.ts), "day"));
        before = null;
      }
      nodes.push(this.#row(message.ts, { message, before, ...state }).node);
      if (dividerAfterFirst && before === null) nodes.push(this.#mark(dividerAfterFirst, "thread-divider"));
      before = { ...message, replyCount: state.replies.count };
    }
    this.#forget(messages);
    place(this.list, nodes);
    place(this.after, after);
    if (stay) this.toEnd();
    this.#showJump();
  }

  toEnd(behavior = "instant") {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
    this.#wasAtEnd = true;
  }

  #startOver(key) {
    this.#key = key;
    this.#rows.clear();
    this.#marks.clear();
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  #showJump() {
    this.#wasAtEnd = this.#isAtEnd();
    this.jump.hidden = this.#wasAtEnd;
  }

  #row(ts, state) {
    if (!this.#rows.has(ts)) this.#rows.set(ts, new MessageRow(this.scene, this.where));
    const row = this.#rows.get(ts);
    row.update(state);
    return row;
  }

  /** A day is known by its words; the thread's divider is one node whose words change. */
  #mark(text, cls) {
    const key = cls === "day" ? text : cls;
    if (!this.#marks.has(key)) this.#marks.set(key, el("div", { class: `mark ${cls}` }, el("span")));
    const mark = this.#marks.get(key);
    if (mark.textContent !== text) mark.firstChild.textContent = text;
    return mark;
  }

  #forget(messages) {
    const kept = new Set(messages.map((message) => message.ts));
    for (const ts of this.#rows.keys()) if (!kept.has(ts)) this.#rows.delete(ts);
  }
}
