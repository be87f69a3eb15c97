// The part of the side panel that lets one misbehave. Each act is one call of the API, and what it answers
// is what will happen.

import { ApiError, getMischief, postAgain, postMischief } from "./api.js";
import { el } from "./dom.js";

const TIMES_AGAIN = 11;
const A_CENT_USD = "0.01";
const TIMES = [
  ["1", "once"],
  ["5", "5 ×"],
  ["20", "20 ×"],
];

export class Mischief {
  /** `channel()` says which one is open. */
  constructor(node, { channel }) {
    this.channel = channel;
    this.told = el("p", { class: "mischief-told", role: "status" });
    this.provider = chooser("How the provider fails");
    this.providerTimes = times("How often the provider fails");
    this.table = chooser("How the table fails");
    this.tableTimes = times("How often the table fails");
    node.replaceChildren(
      row(
        "Slack",
        this.#button(`Deliver the last event ${TIMES_AGAIN} times`, () => this.#again()),
      ),
      row(
        "Worker",
        this.#button("Kill it mid-answer", () => postMischief("worker", {})),
      ),
      row(
        "Provider",
        this.provider,
        this.providerTimes,
        this.#button("Fail", () => this.#fail("provider"), "Fail the provider"),
      ),
      row(
        "Table",
        this.table,
        this.tableTimes,
        this.#button("Fail", () => this.#fail("table"), "Fail the table"),
      ),
      row(
        "Budget",
        this.#button("Drain it", () => this.#drain("0"), "Drain this channel's budget"),
        this.#button("Leave a cent", () => this.#drain(A_CENT_USD), "Leave a cent of this channel's budget"),
      ),
      row(
        "",
        this.#button("Let all go well again", () => postMischief("calm", {})),
      ),
      this.told,
    );
  }

  /** Offer what can go wrong. */
  async open() {
    const { provider, table } = await getMischief();
    fill(this.provider, provider);
    fill(this.table, table);
  }

  #button(words, act, label = null) {
    const press = async ({ currentTarget: control }) => {
      control.disabled = true;
      this.told.textContent = await saying(act);
      control.disabled = false;
    };
    return el(
      "button",
      { class: "button", type: "button", "aria-label": label, on: { click: press } },
      words,
    );
  }

  async #again() {
    await postAgain({ times: TIMES_AGAIN });
    return {
      tells: `Slack delivers the last event ${TIMES_AGAIN} more times. There should still be one answer.`,
    };
  }

  #fail(what) {
    return postMischief(what, { how: this[what].value, times: Number(this[`${what}Times`].value) });
  }

  #drain(leave) {
    return postMischief("budget", { channel: this.channel(), leave_usd: leave });
  }
}

async function saying(act) {
  try {
    return (await act()).tells;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.message;
  }
}

const row = (name, ...controls) =>
  el("div", { class: "mischief-row" }, el("span", { class: "mischief-name" }, name), el("div", {}, controls));

const chooser = (label) => el("select", { class: "select", "aria-label": label });

const times = (label) =>
  el(
    "select",
    { class: "select", "aria-label": label },
    TIMES.map(([value, words]) => el("option", { value }, words)),
  );

function fill(select, ways) {
  if (select.options.length) return;
  select.append(...ways.map(({ how, title, tells }) => el("option", { value: how, title: tells }, title)));
  select.disabled = ways.length === 0;
}
