// The ledger: budgets as bars, open reservations, the latest usage records. Shows what it knows of and
// leaves out the rest.

import { el } from "./dom.js";

const RECORDS_SHOWN = 60;
const ENDED = new Set(["settled", "released", "expired"]); // of a reservation: these hold no money any more
const PLACES = 8; // a short answer of a small model costs fractions of a thousandth of a cent

export class Ledger {
  #known = null; // usage records seen before, to let a new one stand out

  constructor(node, { workspace }) {
    this.workspace = workspace;
    this.budgets = el("div", { class: "budgets" });
    this.reservations = el("ul", { class: "entries" });
    this.usage = el("ul", { class: "entries" });
    const part = (title, body) =>
      el(
        "section",
        { class: "side-part", "aria-label": title },
        el("h3", { class: "side-title" }, title),
        body,
      );
    node.replaceChildren(
      part("Budgets", this.budgets),
      part("Open reservations", this.reservations),
      part("Latest usage records", this.usage),
    );
  }

  /** Show what the API says of the tables. */
  show(ledger) {
    fill(
      this.budgets,
      list(ledger.budgets).map((budget) => this.#budget(budget)),
      "No budget has been used yet.",
    );
    const open = list(ledger.reservations).filter((one) => !ENDED.has(one.state));
    fill(
      this.reservations,
      open.map((one) => this.#reservation(one)),
      "Nothing is reserved at the moment.",
    );
    fill(this.usage, this.#usage(latest(list(ledger.usage))), "No call has been paid for yet.");
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

  // ---- reservations and usage records ----

  #reservation(one) {
    return entry({
      title: words(one.id),
      head: [words(one.tier), money(one.amount_usd)],
      about: [this.#channel(one.channel), words(one.state)],
    });
  }

  #user(id) {
    return this.workspace.users.get(id)?.name ?? words(id);
  }

  #usage(records) {
    const prints = records.map((record) => JSON.stringify(record));
    const known = this.#known ?? new Set(prints);
    this.#known = new Set(prints);
    return records.map((record, at) =>
      entry({
        fresh: !known.has(prints[at]),
        head: [words(record.model), cost(record)],
        about: [
          moment(record.started_at),
          this.#channel(record.channel),
          this.#user(record.user),
          words(record.tier_given),
          tokens(record),
        ],
      }),
    );
  }
}

const list = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);
const words = (value) => (value === null || value === undefined ? "" : String(value));

function fill(node, children, ifEmpty) {
  node.replaceChildren(...(children.length ? children : [el("p", { class: "quiet empty-line" }, ifEmpty)]));
}

/** Build an entry: what and how much, and below it the rest. */
function entry({ head: [name, amount], about, title, fresh }) {
  return el(
    "li",
    { class: fresh ? "entry fresh" : "entry", title },
    el("span", { class: "entry-name" }, name),
    el("span", { class: "entry-amount" }, amount),
    el("span", { class: "entry-about" }, about.filter(Boolean).join(" · ")),
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
  return `${words(prompt_tokens) || "?"} + ${words(completion_tokens) || "?"} tokens`;
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
