// The ledger's drawer: budgets as bars, open reservations, the latest usage records. Reads the API
// once a second while open and the page is visible; shows what it knows of and leaves out the rest.

import { ApiError, getLedger } from "./api.js";
import { el } from "./dom.js";

const EVERY_MS = 1000;
const RECORDS_SHOWN = 60;
const ENDED = new Set(["settled", "released", "expired"]); // of a reservation: these hold no money any more
const PLACES = 8; // a short answer of a small model costs fractions of a thousandth of a cent

export class Ledger {
  #timer = null;
  #shown = "";
  #known = null; // usage records seen before, to let a new one stand out

  constructor(node, { workspace }) {
    this.node = node;
    this.workspace = workspace;
    this.budgets = el("div", { class: "budgets", tabindex: 0 });
    this.reservations = el("div", { class: "ledger-body", tabindex: 0 });
    this.usage = el("div", { class: "ledger-body", tabindex: 0 });
    this.notice = el("p", { class: "ledger-notice", role: "status" });
    const column = (title, cls, body) =>
      el(
        "section",
        { class: `ledger-column ${cls}`, "aria-label": title },
        el("h2", { class: "ledger-title" }, title),
        body,
      );
    node.replaceChildren(
      this.notice,
      column("Budgets", "of-budgets", this.budgets),
      column("Open reservations", "of-reservations", this.reservations),
      column("Latest usage records", "of-usage", this.usage),
    );
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** Open or close the drawer; open, it keeps itself current. */
  toggle() {
    this.node.hidden = this.isOpen;
    clearTimeout(this.#timer);
    if (this.isOpen) this.#poll();
    return this.isOpen;
  }

  async #poll() {
    if (!document.hidden) await this.#read();
    clearTimeout(this.#timer);
    if (this.isOpen) this.#timer = setTimeout(() => this.#poll(), EVERY_MS);
  }

  async #read() {
    try {
      const ledger = await getLedger();
      this.notice.textContent = "";
      const print = JSON.stringify([ledger, this.workspace.channels.size]);
      if (print !== this.#shown) this.#show(ledger);
      this.#shown = print;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.textContent = error.isMissing
        ? "This playground serves no ledger."
        : `The ledger cannot be read at the moment: ${error.message}`;
    }
  }

  #show(ledger) {
    fill(
      this.budgets,
      list(ledger.budgets).map((budget) => this.#budget(budget)),
      "No budget has been used yet.",
    );
    const open = list(ledger.reservations).filter((one) => !ENDED.has(one.state));
    fill(this.reservations, this.#reservationTable(open), "Nothing is reserved at the moment.");
    fill(this.usage, this.#usageTable(latest(list(ledger.usage))), "No call has been paid for yet.");
  }

  // ---- budgets ----

  #budget(budget) {
    const limit = Number(budget.limit_usd);
    const share = (amount) => (limit > 0 ? Math.min(Math.max(Number(amount) / limit, 0), 1) * 100 : 0);
    const spent = share(budget.spent_usd);
    const reserved = Math.min(share(budget.reserved_usd), 100 - spent);
    const level = spent >= 100 ? "budget-full" : spent >= 80 ? "budget-short" : "";
    const name = this.#budgetName(budget);
    return el(
      "article",
      { class: `budget ${level}` },
      el(
        "div",
        { class: "budget-head" },
        el("span", { class: "budget-name" }, name),
        el("span", { class: "quiet" }, words(budget.period)),
      ),
      el(
        "div",
        {
          class: "bar",
          role: "img",
          "aria-label": `${Math.round(spent)} % spent, ${Math.round(reserved)} % reserved`,
        },
        piece("bar-spent", spent),
        piece("bar-reserved", reserved),
      ),
      el(
        "dl",
        { class: "amounts" },
        amount("spent", budget.spent_usd),
        amount("reserved", budget.reserved_usd),
        amount("remaining", budget.remaining_usd),
        amount("limit", budget.limit_usd),
      ),
    );
  }

  #budgetName({ kind, id }) {
    if (this.workspace.channels.has(id)) return this.#channel(id);
    if (this.workspace.users.has(id)) return `${this.workspace.displayName(id)}, as a user`;
    if (kind === "workspace") return "Whole workspace";
    return [words(kind), words(id)].filter(Boolean).join(" ") || "Budget";
  }

  #channel(id) {
    const channel = this.workspace.channels.get(id);
    if (!channel) return words(id);
    const people = this.workspace.membersOf(channel).map((user) => this.#user(user));
    if (people.length) return `${people.join(", ")}, direct`;
    return channel.is_im ? "direct message" : `#${this.workspace.channelName(id)}`;
  }

  // ---- tables ----

  #reservationTable(reservations) {
    if (!reservations.length) return [];
    return [
      rows(
        ["amount", "tier", "state", "channel"],
        reservations.map((one) => ({
          title: words(one.id),
          cells: [money(one.amount_usd), words(one.tier), words(one.state), this.#channel(one.channel)],
        })),
      ),
    ];
  }

  #user(id) {
    return this.workspace.users.get(id)?.name ?? words(id);
  }

  #usageTable(records) {
    if (!records.length) return [];
    const prints = records.map((record) => JSON.stringify(record));
    const known = this.#known ?? new Set(prints);
    this.#known = new Set(prints);
    return [
      rows(
        ["at", "cost", "model", "tier", "tokens", "channel", "user"],
        records.map((record, at) => ({
          fresh: !known.has(prints[at]),
          cells: [
            moment(record.started_at),
            cost(record),
            words(record.model),
            words(record.tier_given),
            tokens(record),
            this.#channel(record.channel),
            this.#user(record.user),
          ],
        })),
      ),
    ];
  }
}

const list = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);
const words = (value) => (value === null || value === undefined ? "" : String(value));
const NUMERIC = new Set(["amount", "tokens", "cost"]);

function fill(node, children, ifEmpty) {
  const { scrollTop } = node;
  node.replaceChildren(...(children.length ? children : [el("p", { class: "quiet empty-line" }, ifEmpty)]));
  node.scrollTop = scrollTop;
}

function rows(head, lines) {
  return el(
    "table",
    { class: "ledger-table" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        head.map((name) => el("th", { scope: "col", class: NUMERIC.has(name) ? "number" : null }, name)),
      ),
    ),
    el(
      "tbody",
      {},
      lines.map(({ cells, title, fresh }) =>
        el(
          "tr",
          { title, class: fresh ? "fresh" : null },
          cells.map((cell, at) =>
            el(
              "td",
              {
                class: NUMERIC.has(head[at]) ? "number" : null,
                title: typeof cell === "string" && cell ? cell : null,
              },
              cell,
            ),
          ),
        ),
      ),
    ),
  );
}

function piece(cls, percent) {
  const node = el("span", { class: cls });
  node.style.width = percent > 0 ? `max(${percent}%, 3px)` : "0";
  return node;
}

const amount = (name, value) =>
  el("div", { class: `amount amount-${name}` }, el("dt", {}, name), el("dd", {}, money(value)));

/** Say a decimal string as dollars, with two places at least and no more than it needs. */
export function money(value) {
  if (value === null || value === undefined || value === "") return "–";
  const number = Number(value);
  if (!Number.isFinite(number)) return words(value);
  const [whole, places] = Math.abs(number).toFixed(PLACES).split(".");
  const kept = places.replace(/0+$/, "").padEnd(2, "0");
  return `${number < 0 ? "−" : ""}$${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${kept}`;
}

function cost({ cost_usd, estimated }) {
  const doubt =
    estimated === true &&
    el("abbr", { class: "quiet", title: "Estimated: the provider never said what it cost." }, "≈ ");
  return [doubt, money(cost_usd)];
}

function tokens({ prompt_tokens, completion_tokens }) {
  if (prompt_tokens === undefined && completion_tokens === undefined) return "";
  return `${words(prompt_tokens) || "?"} + ${words(completion_tokens) || "?"}`;
}

function moment(value) {
  if (value === null || value === undefined || value === "") return "";
  const date = new Date(
    typeof value === "number" || /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : value,
  );
  return Number.isNaN(date.getTime())
    ? words(value)
    : date.toLocaleTimeString([], {
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        hourCycle: "h23",
      });
}

/** Return the latest records, latest first, whatever order they came in. */
function latest(records) {
  return [...records]
    .sort((a, b) => words(b.started_at).localeCompare(words(a.started_at), undefined, { numeric: true }))
    .slice(0, RECORDS_SHOWN);
}
