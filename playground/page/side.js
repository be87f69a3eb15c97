// The side panel: what stands behind the workspace (the ledger, what Slack delivered), and how to make
// it go wrong. It is read when it opens and told of every change after that.

import { ApiError, getDeliveries, getLedger } from "./api.js";
import { byId, el, iconButton } from "./dom.js";
import { Ledger } from "./ledger.js";
import { Mischief } from "./mischief.js";

const DELIVERIES_SHOWN = 40;

export class SidePanel {
  #deliveries = [];

  /** `channel()` says which one is open; `closed()` hears that it was closed from within. */
  constructor({ workspace, channel, closed }) {
    this.node = byId("side");
    const mischief = el("div", { class: "mischief" });
    const books = el("div", { class: "books" });
    this.deliveries = el("ol", { class: "deliveries" });
    this.notice = el("p", { class: "side-notice", role: "status" });
    this.mischief = new Mischief(mischief, { channel });
    this.ledger = new Ledger(books, { workspace });
    this.node.replaceChildren(
      el(
        "header",
        { class: "panel-head" },
        el("h2", { class: "panel-title" }, "Behind the scenes"),
        el("p", { class: "panel-about" }),
        iconButton("close", "Close the side panel", closed),
      ),
      el(
        "div",
        { class: "side-body", tabindex: 0 },
        this.notice,
        el("details", { class: "side-part", open: true }, el("summary", {}, "Misbehave"), mischief),
        books,
        el("details", { class: "side-part" }, el("summary", {}, "Delivered to Penny"), this.deliveries),
      ),
    );
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** Open or close it. */
  toggle() {
    this.node.hidden = this.isOpen;
    byId("app").classList.toggle("with-side", this.isOpen);
    if (this.isOpen) this.refresh();
    return this.isOpen;
  }

  /** Read everything anew; while closed there is nothing to read for. */
  async refresh() {
    if (!this.isOpen) return;
    try {
      const [ledger, told] = await Promise.all([getLedger(), getDeliveries(), this.mischief.open()]);
      this.notice.textContent = "";
      this.ledger.show(ledger);
      this.#deliveries = told.deliveries;
      this.#showDeliveries();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.textContent = `This cannot be read at the moment: ${error.message}`;
    }
  }

  /** Take the books as they are after a change. */
  hearLedger(ledger) {
    if (this.isOpen) this.ledger.show(ledger);
  }

  hearDelivery(delivery) {
    this.#deliveries = [...this.#deliveries, delivery].slice(-DELIVERIES_SHOWN);
    if (this.isOpen) this.#showDeliveries();
  }

  #showDeliveries() {
    this.deliveries.replaceChildren(...this.#deliveries.slice(-DELIVERIES_SHOWN).reverse().map(line));
  }
}

function line({ at, kind, purpose, number, status, failure }) {
  const time = new Date(at * 1000).toLocaleTimeString([], { hourCycle: "h23" });
  return el(
    "li",
    {},
    el("span", { class: "quiet" }, time),
    el("span", { class: "delivery-kind" }, kind || purpose),
    number > 0 && el("span", { class: "quiet" }, `try ${number + 1}`),
    el("span", { class: failure ? "delivery-bad" : "delivery-good" }, failure || String(status)),
  );
}
