// The right panel: a message and its replies, what the bot is doing there, and the composer for another.

import { Composer } from "./composer.js";
import { byId, el } from "./dom.js";
import { stateOf, statusLine } from "./message.js";
import { Pane } from "./pane.js";

export class ThreadPanel {
  #line = { print: "", node: null }; // the status line, kept so that its dots keep hopping

  /** `send(text, files)` is the composer's; `stop(message)` stops the work in its thread. */
  constructor(scene, { send, stop }) {
    this.workspace = scene.workspace;
    this.stop = stop;
    this.pane = new Pane(byId("thread-messages"), scene, "thread");
    this.composer = new Composer(byId("thread-composer"), { workspace: scene.workspace, send });
  }

  /** Show a thread by the ts of its root, or nothing for "". */
  show(channel, ts) {
    const { workspace } = this;
    byId("thread").hidden = !ts;
    byId("app").classList.toggle("with-thread", Boolean(ts));
    if (!ts) return;
    const key = `${channel}/${ts}`;
    workspace.unreadThreads.delete(key);
    byId("thread-about").textContent = workspace.channelTitle(channel);
    this.composer.moveTo(key, "Reply…");
    const { count } = workspace.replies(channel, ts);
    const messages = workspace.thread(channel, ts);
    this.pane.show(key, messages, {
      stateOf: (message) => stateOf(workspace, message, ts),
      dividerAfterFirst: count === 0 ? null : count === 1 ? "1 reply" : `${count} replies`,
      after: this.#status(workspace.status(channel, ts), this.#stoppable(channel, ts, messages)),
    });
  }

  /** Return the message at which the work can be stopped: one that is written, or the root. */
  #stoppable(channel, ts, messages) {
    const written = messages.find((message) => message.streaming);
    return written ?? (this.workspace.isWorking(channel, ts) ? messages[0] : undefined);
  }

  #status(status, stoppable) {
    const print = JSON.stringify([status, stoppable?.ts]);
    if (this.#line.print !== print) this.#line = { print, node: this.#buildStatus(status, stoppable) };
    return this.#line.node ? [this.#line.node] : [];
  }

  /** Say what the bot is doing; while it works, it can be stopped. */
  #buildStatus(status, stoppable) {
    if (!status && !stoppable) return null;
    const line = statusLine(
      this.workspace.botName,
      status || (stoppable.streaming ? "is writing…" : "is working…"),
    );
    const press = () => this.stop(stoppable);
    if (stoppable)
      line.append(el("button", { class: "button stop", type: "button", on: { click: press } }, "Stop"));
    return line;
  }
}
