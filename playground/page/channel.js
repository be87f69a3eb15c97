// The middle panel: a channel's name, its messages and its composer; and, while nothing has been said
// yet, what one could ask.

import { Composer } from "./composer.js";
import { byId, el, icon } from "./dom.js";
import { stateOf, statusLine } from "./message.js";
import { Pane } from "./pane.js";

const EXAMPLES = [
  { kind: "A quick one", text: "Why is the sky blue? Two sentences, please." },
  { kind: "A table", text: "Compare SQS, Kinesis and EventBridge for a small team, as a table." },
  {
    kind: "Think hard",
    text: "Think hard: write a Python function that merges overlapping intervals, and explain what it costs.",
  },
];

export class ChannelPanel {
  #welcomes = new Map(); // channel, me and prompts → node, kept so that it keeps its focus

  /** `send(text, files)` is the composer's; `ask(text)` posts one of the examples. */
  constructor(scene, { send, ask }) {
    this.workspace = scene.workspace;
    this.ask = ask;
    this.pane = new Pane(byId("channel-messages"), scene, "channel");
    this.composer = new Composer(byId("channel-composer"), {
      workspace: scene.workspace,
      send,
      withCommands: true,
    });
  }

  /** Show a channel; `openThread` is the thread that stands beside it, or "". */
  show(id, openThread) {
    const { workspace } = this;
    const channel = workspace.channels.get(id);
    if (!channel) return;
    this.#showHead(channel);
    this.composer.moveTo(id, `Message ${workspace.channelTitle(id)}`);
    const messages = workspace.roots(id);
    const isEmpty = messages.length === 0 && workspace.loaded.has(id);
    const prompts = isEmpty ? [] : this.#promptsBelow(id);
    const status = workspace.status(id, "");
    this.pane.show(`${id}/${workspace.me}`, messages, {
      stateOf: (message) => stateOf(workspace, message, openThread),
      after: [
        isEmpty && this.#welcome(channel),
        status && statusLine(workspace.botName, status),
        ...prompts,
      ].filter(Boolean),
    });
  }

  /** Where the app has set prompts since, they stand below what was said. */
  #promptsBelow(id) {
    const given = this.workspace.prompts.get(id) ?? [];
    if (this.shownPrompts !== given)
      this.promptRow = given.length
        ? [
            el(
              "div",
              { class: "prompts", role: "group", "aria-label": "Suggestions" },
              given.map((one) => this.#chip(one)),
            ),
          ]
        : [];
    this.shownPrompts = given;
    return this.promptRow ?? [];
  }

  #chip({ title, message }) {
    return el(
      "button",
      { class: "button", type: "button", on: { click: () => this.ask(String(message)) } },
      String(title),
    );
  }

  #showHead(channel) {
    const { workspace } = this;
    const isNamed = workspace.othersIn(channel.id) === null;
    const picture = isNamed ? icon(channel.is_private ? "lock" : "hash") : icon("coin", "coin title-coin");
    byId("channel-name").replaceChildren(picture, workspace.channelName(channel.id));
    byId("channel-about").textContent = channel.is_im
      ? "Every message gets an answer, in its thread"
      : `Mention @${workspace.botHandle} to ask`;
  }

  #welcome(channel) {
    const key = JSON.stringify([channel.id, this.workspace.me, this.workspace.promptsIn(channel.id)]);
    if (!this.#welcomes.has(key)) this.#welcomes.set(key, this.#buildWelcome(channel));
    return this.#welcomes.get(key);
  }

  #buildWelcome(channel) {
    const { workspace } = this;
    const title = channel.is_im
      ? `Ask ${workspace.botName} anything`
      : `Nothing in ${workspace.channelTitle(channel.id)} yet`;
    const about = channel.is_im
      ? "The answer streams into the thread under your message, written by the best model " +
        "the budget can bear. Its price stands beneath it."
      : `Talk to the others, or mention @${workspace.botHandle} and the answer comes in the thread. ` +
        "The channel has a budget of its own.";
    const prompts = workspace.promptsIn(channel.id);
    const suggested = prompts.map(({ title: kind, message: words }) => ({ kind, text: String(words) }));
    const examples = (suggested.length ? suggested : EXAMPLES).map(({ kind, text }) => {
      const props = { class: "example", type: "button", on: { click: () => this.ask(text) } };
      return el("button", props, el("span", { class: "example-kind" }, kind), el("span", {}, text));
    });
    const group = el("div", { class: "examples", role: "group", "aria-label": "Questions to try" }, examples);
    return el(
      "section",
      { class: "empty-state" },
      icon("coin", "coin"),
      el("h2", {}, title),
      el("p", {}, about),
      group,
    );
  }
}
