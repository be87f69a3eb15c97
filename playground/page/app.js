// The page: waits for the playground, then joins what the API says (workspace.js) with what people
// see (sidebar, panels, ledger), and decides what is open.

import {
  ApiError,
  followStream,
  getHome,
  getMessages,
  getThread,
  getWorkspace,
  postAction,
  postAgain,
  postHome,
  postMessage,
  postStop,
  untilUp,
} from "./api.js";
import { ChannelPanel } from "./channel.js";
import { announce, byId, toast } from "./dom.js";
import { HomeTab } from "./home.js";
import { SidePanel } from "./side.js";
import { Sidebar } from "./sidebar.js";
import { Switcher } from "./switcher.js";
import { ThreadPanel } from "./thread.js";
import { Workspace } from "./workspace.js";

const ME_KEY = "penny-playground-me";
const ANNOUNCED_CHARS = 200;
const NARROW = "(max-width: 1040px)"; // where style.css lays the thread over the channel
const NARROW_BESIDE = "(max-width: 1380px)"; // the same, with the side panel open
const TABS = ["messages", "home"];
const TIMES_AGAIN = 11;

class App {
  #channel = "";
  #thread = ""; // ts of the open thread's root, or ""
  #threads = new Map(); // channel → the thread that was open there
  #closed = new Set(); // "channel/ts" of threads that people closed: these do not open by themselves again
  #tab = "messages"; // or "home", of the direct message with the app
  #pending = false;

  constructor(workspace) {
    this.workspace = workspace;
    this.#rememberMe();
    const scene = this.#scene();
    this.channelPanel = new ChannelPanel(scene, {
      send: (text, files) => this.#post(text, files, ""),
      ask: (text) => this.#tryExample(text),
    });
    this.threadPanel = new ThreadPanel(scene, {
      send: (text, files) => this.#post(text, files, this.#thread),
      stop: (message) => this.#stop(message),
    });
    const open = (channel) => this.openChannel(channel);
    this.sidebar = new Sidebar(byId("sidebar"), { workspace, open, become: (user) => this.#become(user) });
    this.switcher = new Switcher({ workspace, open });
    this.homeTab = new HomeTab(scene);
    this.side = new SidePanel({ workspace, channel: () => this.#channel, closed: () => this.#toggleSide() });
  }

  /** Show the first channel and follow what happens. */
  start() {
    this.workspace.addEventListener("change", () => this.#renderSoon());
    this.#listenToKeys();
    this.#listenToButtons();
    this.openChannel(this.#fromAddress() ?? this.#home());
    followStream({
      on: {
        message: (data) => this.#onMessage(data),
        status: (data) => this.#onStatus(data),
        ephemeral: (data) => this.workspace.hearEphemeral(data),
        session: (data) => this.workspace.setSession(data),
        home: (data) => this.workspace.hearHome(data),
        prompts: (data) => this.workspace.takePrompts(data),
        ledger: (data) => this.side.hearLedger(data),
        delivery: (data) => this.side.hearDelivery(data),
      },
      onUp: () => this.#refresh(),
      onDown: () => this.#sayLink("Reconnecting…"),
    });
  }

  #scene() {
    const { workspace } = this;
    return {
      workspace,
      names: {
        me: () => workspace.me,
        user: (id) => workspace.users.get(id)?.name ?? null,
        channel: (id) => (workspace.channels.has(id) ? workspace.channelName(id) : null),
        version: () => `${workspace.me}/${workspace.users.size}/${workspace.channels.size}`,
      },
      act: (action, control) => this.#act({ channel: this.#channel, ...action }, control),
      actAtHome: (action, control) => this.#act(action, control),
      openThread: (message) => this.openThread(message.ts, { focus: true }),
      dismiss: (message) => workspace.dismiss(message.channel, message.ts),
      deliverAgain: (message) => this.#deliverAgain(message),
    };
  }

  // ---- what is open ----

  /** Show a channel, with the thread that was open there. */
  openChannel(id) {
    if (!this.workspace.canSee(id)) return;
    if (id !== this.#channel) this.#tab = "messages";
    this.#channel = id;
    this.#thread = this.#threads.get(id) ?? "";
    this.workspace.markRead(id);
    this.#showMenu(false);
    history.replaceState(null, "", `#${encodeURIComponent(id)}`);
    this.#render();
    this.channelPanel.composer.focus();
    this.#load(id);
    if (this.#thread) this.#loadThread(id, this.#thread);
    this.#openApp();
  }

  /** Show the app's home tab or its messages. */
  openTab(tab) {
    this.#tab = tab;
    this.#openApp();
    this.#render();
    if (tab === "messages") this.channelPanel.composer.focus();
  }

  /** Tell the app that I opened it, as Slack does, and read what it published. */
  async #openApp() {
    const { workspace } = this;
    if (!workspace.isDirect(this.#channel)) return;
    await this.#try(async () => {
      await postHome({ user: workspace.me, tab: this.#tab });
      if (this.#tab !== "home") return;
      const since = workspace.moment();
      workspace.takeHome(await getHome(workspace.me), { since });
    });
  }

  /** Show a thread of the open channel. */
  openThread(ts, { focus }) {
    this.#thread = ts;
    this.#threads.set(this.#channel, ts);
    this.workspace.unreadThreads.delete(`${this.#channel}/${ts}`);
    this.#render();
    if (focus || this.#isNarrow()) this.threadPanel.composer.focus();
    this.#loadThread(this.#channel, ts);
  }

  closeThread() {
    if (!this.#thread) return;
    this.#closed.add(`${this.#channel}/${this.#thread}`);
    this.#threads.delete(this.#channel);
    this.#thread = "";
    this.#render();
    this.channelPanel.composer.focus();
  }

  /** Say whether an open thread covers the channel. */
  #isNarrow() {
    return matchMedia(this.side.isOpen ? NARROW_BESIDE : NARROW).matches;
  }

  #fromAddress() {
    const id = decodeURIComponent(location.hash.slice(1));
    return this.workspace.canSee(id) ? id : null;
  }

  #home() {
    const { workspace } = this;
    if (workspace.canSee(workspace.defaultChannel)) return workspace.defaultChannel;
    return (workspace.directMessages[0] ?? workspace.openChannels[0])?.id ?? "";
  }

  // ---- who I am ----

  #rememberMe() {
    try {
      const known = localStorage.getItem(ME_KEY);
      if (this.workspace.people.some((user) => user.id === known)) this.workspace.me = known;
    } catch {
      // A browser that keeps nothing starts as the workspace's default user.
    }
  }

  #become(user) {
    const wasDirect = this.workspace.isDirect(this.#channel);
    this.workspace.become(user);
    try {
      localStorage.setItem(ME_KEY, user);
    } catch {
      // See above.
    }
    if (!this.workspace.canSee(this.#channel))
      this.openChannel((wasDirect && this.workspace.directMessages[0]?.id) || this.#home());
    else this.channelPanel.composer.focus();
  }

  // ---- reading ----

  async #load(channel) {
    const since = this.workspace.moment();
    await this.#try(async () =>
      this.workspace.takeMessages(channel, (await getMessages(channel)).messages, { since }),
    );
  }

  async #loadThread(channel, ts) {
    const since = this.workspace.moment();
    await this.#try(async () => {
      const messages = await this.#threadOrNone(channel, ts);
      this.workspace.takeMessages(channel, messages, { since, thread: ts });
      if (messages.length === 0 && channel === this.#channel && ts === this.#thread) this.closeThread();
    });
  }

  /** Read a thread; one that is gone (the playground forgets all when it stops) has no messages. */
  async #threadOrNone(channel, ts) {
    try {
      return (await getThread(channel, ts)).messages;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  async #refresh() {
    this.#sayLink("");
    await this.#describe();
    if (!this.workspace.canSee(this.#channel)) this.openChannel(this.#home());
    await this.#load(this.#channel);
    if (this.#thread) await this.#loadThread(this.#channel, this.#thread);
    await this.side.refresh();
  }

  async #describe() {
    await this.#try(async () => this.workspace.describe(await getWorkspace()));
  }

  async #try(read) {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 0) toast(error.message);
    }
  }

  #onMessage({ channel, message: raw }) {
    if (!channel || !raw?.ts) return;
    if (!this.workspace.channels.has(channel)) this.#describe();
    const before = this.workspace.message(channel, String(raw.ts));
    const message = this.workspace.hear(channel, raw);
    const isNew = !before && !message.deleted;
    if (isNew && message.user !== this.workspace.me) this.#markUnread(message);
    if (isNew && message.bot && message.thread_ts) this.#openMine(channel, message.thread_ts);
    if (isNew || before?.streaming) this.#announce(message);
  }

  /** Read out a bot's message once it is whole. */
  #announce({ bot, streaming, channel, user, text }) {
    if (!bot || streaming || channel !== this.#channel) return;
    announce(`${this.workspace.displayName(user)}: ${text.slice(0, ANNOUNCED_CHARS)}`);
  }

  #onStatus({ channel, thread_ts, status }) {
    this.workspace.setStatus(channel, thread_ts ?? "", status);
    if (status && thread_ts) this.#openMine(channel, thread_ts);
  }

  #markUnread(message) {
    const seen = message.channel === this.#channel && !document.hidden;
    const thread = message.thread_ts && message.thread_ts !== this.#thread;
    if (thread) this.workspace.unreadThreads.add(`${message.channel}/${message.thread_ts}`);
    if (!seen && this.workspace.canSee(message.channel)) this.workspace.markUnread(message.channel);
  }

  /** Open the thread in which my message is being answered, unless I closed it or am busy elsewhere. */
  #openMine(channel, ts) {
    if (channel !== this.#channel || ts === this.#thread || this.#closed.has(`${channel}/${ts}`)) return;
    const busy = this.#thread
      ? !this.threadPanel.composer.isEmpty
      : this.#isNarrow() && !this.channelPanel.composer.isEmpty;
    if (this.workspace.message(channel, ts)?.user === this.workspace.me && !busy)
      this.openThread(ts, { focus: false });
  }

  // ---- writing ----

  async #post(text, files, thread) {
    const channel = this.#channel;
    try {
      const posted = await postMessage({
        channel,
        user: this.workspace.me,
        text,
        thread_ts: thread || undefined,
        files: files.length ? files : undefined,
      });
      if (posted.ts) this.#afterPost(channel, String(posted.ts), thread);
      else toast(`Slack sent the command ${text.split(/\s/)[0]} to ${this.workspace.botName}.`);
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.message;
    }
  }

  #afterPost(channel, ts, thread) {
    if (channel !== this.#channel) return;
    if (thread) {
      this.threadPanel.pane.toEnd();
      if (!this.workspace.message(channel, ts)) this.#loadThread(channel, thread);
      return;
    }
    this.channelPanel.pane.toEnd();
    if (!this.workspace.message(channel, ts)) this.#load(channel);
    if (this.workspace.isDirect(channel)) this.openThread(ts, { focus: true });
  }

  async #act(action, control) {
    control.setAttribute("aria-busy", "true");
    try {
      await postAction({ user: this.workspace.me, ...action });
      if (action.type === "feedback_buttons") press(control);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message);
    } finally {
      control.removeAttribute("aria-busy");
    }
  }

  async #deliverAgain(message) {
    await this.#try(async () => {
      await postAgain({ ts: message.ts, times: TIMES_AGAIN });
      toast(`Slack delivers that event ${TIMES_AGAIN} more times. There should still be one answer.`);
    });
  }

  async #stop(message) {
    this.threadPanel.composer.focus(); // the button is about to go
    await this.#try(() => postStop({ user: this.workspace.me, ts: message.ts }));
  }

  async #tryExample(text) {
    const mention = this.workspace.isDirect(this.#channel) ? "" : `@${this.workspace.botHandle} `;
    const refusal = await this.#post(mention + text, [], "");
    if (refusal !== null) toast(refusal);
  }

  // ---- showing ----

  #renderSoon() {
    if (this.#pending) return;
    this.#pending = true;
    const render = () => {
      this.#pending = false;
      this.#render();
    };
    // A hidden page gets no animation frames.
    if (document.hidden) setTimeout(render, 100);
    else requestAnimationFrame(render);
  }

  #render() {
    this.sidebar.show(this.#channel);
    this.channelPanel.show(this.#channel, this.#thread);
    this.threadPanel.show(this.#channel, this.#isAtHome ? "" : this.#thread);
    this.#showTabs();
    const mark = this.workspace.unread.size ? "• " : "";
    document.title = `${mark}${this.workspace.channelTitle(this.#channel)} – Penny playground`;
  }

  #showTabs() {
    byId("tabs").hidden = !this.workspace.isDirect(this.#channel);
    byId("said").hidden = this.#isAtHome;
    for (const tab of TABS) {
      byId(`tab-${tab}`).setAttribute("aria-selected", String(tab === this.#tab));
      byId(`tab-${tab}`).tabIndex = tab === this.#tab ? 0 : -1;
    }
    this.homeTab.show(this.#isAtHome);
  }

  get #isAtHome() {
    return this.#tab === "home" && this.workspace.isDirect(this.#channel);
  }

  #sayLink(words) {
    byId("link").textContent = words;
  }

  // ---- keys and buttons ----

  #listenToButtons() {
    byId("jump").addEventListener("click", () => this.switcher.toggle());
    byId("thread-close").addEventListener("click", () => this.closeThread());
    byId("side-toggle").addEventListener("click", () => this.#toggleSide());
    for (const tab of TABS) {
      byId(`tab-${tab}`).addEventListener("click", () => this.openTab(tab));
      byId(`tab-${tab}`).addEventListener("keydown", (event) => this.#onTabKey(event));
    }
    byId("menu-toggle").addEventListener("click", () =>
      this.#showMenu(!byId("sidebar").classList.contains("open")),
    );
    for (const panel of ["channel", "thread"])
      byId(panel).addEventListener("click", () => this.#showMenu(false));
    window.addEventListener("hashchange", () => this.openChannel(this.#fromAddress() ?? this.#channel));
    document.addEventListener(
      "visibilitychange",
      () => !document.hidden && this.workspace.markRead(this.#channel),
    );
  }

  /** On a narrow screen the sidebar is a menu. */
  #showMenu(open) {
    byId("sidebar").classList.toggle("open", open);
    byId("menu-toggle").setAttribute("aria-expanded", String(open));
  }

  #toggleSide() {
    byId("side-toggle").setAttribute("aria-expanded", String(this.side.toggle()));
    if (!this.side.isOpen) byId("side-toggle").focus();
  }

  /** Arrows go to the other tab, as in every list of tabs. */
  #onTabKey(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const other = TABS.find((tab) => tab !== this.#tab);
    this.openTab(other);
    byId(`tab-${other}`).focus();
  }

  #listenToKeys() {
    if (/Mac|iPhone|iPad/.test(navigator.platform)) byId("jump-keys").textContent = "⌘ K";
    document.addEventListener("keydown", (event) => {
      if (event.isComposing || event.defaultPrevented) return;
      if (event.ctrlKey || event.metaKey) this.#onCommandKey(event);
      else if (!document.querySelector("dialog[open]")) this.#onKey(event);
    });
  }

  #onCommandKey(event) {
    if (event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    this.switcher.toggle();
  }

  #onKey(event) {
    if (event.key === "Escape") this.#onEscape();
    else if (event.altKey) this.#step(event);
    else if (event.key.length === 1) this.#typeAnywhere();
  }

  #onEscape() {
    if (this.side.isOpen && byId("side").contains(document.activeElement)) this.#toggleSide();
    else this.closeThread();
  }

  #step(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const order = [...this.workspace.openChannels, ...this.workspace.directMessages].map(
      (channel) => channel.id,
    );
    const next = order[order.indexOf(this.#channel) + step];
    if (next) this.openChannel(next);
  }

  /** Typing where nothing takes text goes into the composer. */
  #typeAnywhere() {
    const here = document.activeElement;
    if (here && here !== document.body && !here.classList.contains("messages")) return;
    (byId("thread").contains(here) ? this.threadPanel.composer : this.channelPanel.composer).focus();
  }
}

function press(control) {
  for (const choice of control.parentElement.querySelectorAll("[aria-pressed]"))
    choice.setAttribute("aria-pressed", String(choice === control));
}

async function main() {
  await untilUp((what) => {
    byId("splash-text").textContent = what ? `starting… ${what}` : "starting…";
  });
  const app = new App(new Workspace(await described()));
  byId("splash").hidden = true;
  byId("app").hidden = false;
  app.start();
}

async function described() {
  for (;;) {
    try {
      return await getWorkspace();
    } catch (error) {
      byId("splash-text").textContent = error.message;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

main();
