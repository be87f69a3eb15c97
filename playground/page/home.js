// The app's home tab, for whoever I am: what it published, or that there is nothing yet.

import { BlockList } from "./blocks.js";
import { byId, el, icon } from "./dom.js";

export class HomeTab {
  #list = null;
  #of = ""; // whose tab is shown

  constructor(scene) {
    this.scene = scene;
    this.workspace = scene.workspace;
    this.node = byId("home");
  }

  /** Show my home tab, or hide it. */
  show(open) {
    this.node.hidden = !open;
    if (!open) return;
    const { home, me } = this.workspace;
    if (this.#of !== me) this.#list = null;
    this.#of = me;
    if (home) this.#showBlocks(home.blocks);
    else this.#showNothing(home === undefined);
  }

  #showBlocks(blocks) {
    if (this.#list === null) {
      const body = el("div", { class: "blocks home-blocks" });
      const { names, actAtHome } = this.scene;
      this.#list = new BlockList(body, { names, workspace: this.workspace, act: actAtHome });
      this.node.replaceChildren(body);
    }
    this.#list.show(blocks);
  }

  #showNothing(isAsking) {
    this.#list = null;
    const { botName, hasHomeTab } = this.workspace;
    const about = hasHomeTab
      ? `${botName} was told that you opened it.`
      : "manifest.json does not enable the home tab, so Slack would not show it.";
    const words = [el("h2", {}, `${botName} has published nothing here yet`), el("p", {}, about)];
    this.node.replaceChildren(
      isAsking ? "" : el("section", { class: "empty-state" }, icon("coin", "coin"), words),
    );
  }
}
