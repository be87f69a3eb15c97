// What this page knows of the workspace: users, channels, messages, statuses, what is unread. It
// takes what the API says, in whatever order it comes, and tells its listeners "change".

export class Workspace extends EventTarget {
  #messages = new Map(); // channel id → Map(ts → message)
  #homes = new Map(); // user id → {view, heard}: their home tab; the view is null while nothing was published
  #replies = new Map(); // "channel/ts" of a root → {count, upTo}: what the API said, and up to which reply
  #working = new Set(); // "channel/thread_ts" of sessions that are being processed
  #statuses = new Map(); // "channel/thread_ts" → text
  #heard = 0; // counts stream events, to tell which of two versions of a message is newer

  constructor(description) {
    super();
    this.describe(description);
    this.me = this.userNamed(idOf(description.me))?.id ?? this.people[0]?.id ?? "";
    this.unread = new Set();
    this.unreadThreads = new Set();
    this.loaded = new Set();
  }

  /** Take over the workspace's description; who I am stays. */
  describe({
    team,
    users,
    channels,
    bot_user,
    default_channel,
    commands,
    has_home_tab,
    prompts,
    first_prompts,
  }) {
    this.team = typeof team === "object" && team ? team : {};
    this.users = new Map(list(users).map((user) => [String(user.id), user]));
    this.channels = new Map(list(channels).map((channel) => [String(channel.id), channel]));
    this.botUser = idOf(bot_user);
    this.defaultChannel = String(default_channel ?? "");
    this.commands = list(commands);
    this.hasHomeTab = has_home_tab === true;
    this.prompts = new Map(Object.entries(prompts ?? {}));
    this.firstPrompts = list(first_prompts);
  }

  // ---- names ----

  /** People, without bots. */
  get people() {
    return [...this.users.values()].filter((user) => !user.bot && user.id !== this.botUser);
  }

  userNamed(nameOrId) {
    return this.users.get(nameOrId) ?? [...this.users.values()].find((user) => user.name === nameOrId);
  }

  /** Return what people call this user. */
  displayName(id) {
    const user = this.users.get(id);
    return user?.real_name || user?.name || (id === this.botUser ? "Penny" : id || "someone");
  }

  get botName() {
    return this.displayName(this.botUser);
  }

  /** The name by which the bot is mentioned. */
  get botHandle() {
    return this.users.get(this.botUser)?.name ?? "penny";
  }

  /** Channels with a name of their own, by name. */
  get openChannels() {
    const open = [...this.channels.values()].filter(
      (channel) => !this.#isAmongPeople(channel) && this.#concernsMe(channel),
    );
    return open.sort((a, b) => String(a.name).localeCompare(String(b.name)));
  }

  /** My direct messages, those of a group too: with me in them, or nobody named. */
  get directMessages() {
    const mine = [...this.channels.values()].filter(
      (channel) => this.#isAmongPeople(channel) && this.#concernsMe(channel),
    );
    return mine.sort((a, b) => Number(Boolean(b.is_im)) - Number(Boolean(a.is_im)));
  }

  #isAmongPeople(channel) {
    return Boolean(channel.is_im) || this.membersOf(channel).length > 0;
  }

  /** Return the ids of the people in a direct message, as far as the API names them. */
  membersOf(channel) {
    const named = list(channel.with).map((who) => this.userNamed(idOf(who))?.id);
    return named.filter((id) => id && id !== this.botUser);
  }

  #concernsMe(channel) {
    return list(channel.members).includes(this.me);
  }

  canSee(id) {
    const channel = this.channels.get(id);
    return Boolean(channel) && this.#concernsMe(channel);
  }

  /** Say whether this is a direct message with the bot, where every message is for it. */
  isDirect(id) {
    return Boolean(this.channels.get(id)?.is_im);
  }

  /** Return the ids of the others in a direct message; for a channel with a name, null. */
  othersIn(id) {
    const channel = this.channels.get(id);
    if (!channel || !this.#isAmongPeople(channel)) return null;
    const people = this.membersOf(channel).filter((user) => user !== this.me);
    return channel.is_im && people.length ? people : [...people, this.botUser];
  }

  /** Return a channel's name as shown: a direct message is called after the others in it. */
  channelName(id) {
    const others = this.othersIn(id);
    return others
      ? others.map((user) => this.displayName(user)).join(", ")
      : String(this.channels.get(id)?.name ?? id);
  }

  /** Return the name as people write it, with its `#` where it has one. */
  channelTitle(id) {
    return this.othersIn(id) ? this.channelName(id) : `#${this.channelName(id)}`;
  }

  // ---- messages ----

  /** Return what the channel itself shows, oldest first: roots, and replies that were broadcast to it. */
  roots(channel) {
    return this.#sorted(channel, (message) => isRoot(message) || message.subtype === "thread_broadcast");
  }

  /** Return the messages of a thread, its root first. */
  thread(channel, ts) {
    return this.#sorted(channel, (message) => message.ts === ts || message.thread_ts === ts);
  }

  message(channel, ts) {
    return this.#messages.get(channel)?.get(ts);
  }

  #sorted(channel, wanted) {
    const mine = (message) => !message.onlyForMe || message.onlyForMe === this.me;
    return [...(this.#messages.get(channel)?.values() ?? [])]
      .filter((message) => mine(message) && wanted(message))
      .sort(byTs);
  }

  /** Say how many replies a root has, and when the last one came (a ts, or ""). */
  replies(channel, ts) {
    const said = this.#replies.get(`${channel}/${ts}`) ?? { count: 0, upTo: "" };
    const known = this.thread(channel, ts).filter((message) => message.ts !== ts && !message.onlyForMe);
    const later = known.filter((message) => compareTs(message.ts, said.upTo) > 0);
    return {
      count: Math.max(said.count + later.length, known.length),
      latest: later.at(-1)?.ts ?? (said.upTo || known.at(-1)?.ts || ""),
    };
  }

  /** Mark a moment before asking the API, for `takeMessages` to know what the stream said since. */
  moment() {
    return this.#heard;
  }

  /** Take over a channel's or thread's messages as the API gave them, asked for at `since`. */
  takeMessages(channel, raw, { since, thread = null }) {
    const known = this.#channelMessages(channel);
    const given = list(raw).map((one) => asMessage(one, channel, thread));
    this.#dropMissing(known, given, { since, thread });
    for (const message of given) {
      if ((known.get(message.ts)?.heard ?? 0) <= since) this.#keep(message, this.#heard);
    }
    if (thread === null) this.loaded.add(channel);
    else {
      const count = given.filter((message) => message.ts !== thread).length;
      this.#replies.set(`${channel}/${thread}`, { count, upTo: given.at(-1)?.ts ?? "" });
    }
    this.#changed();
  }

  /** Forget what the API no longer gives, but not what the stream said since, nor what it never gives. */
  #dropMissing(known, given, { since, thread }) {
    const still = new Set(given.map((message) => message.ts));
    const asked = thread === null ? isRoot : ({ ts, thread_ts }) => ts === thread || thread_ts === thread;
    for (const [ts, message] of known) {
      const isGone = asked(message) && !still.has(ts) && message.heard <= since;
      if (isGone && !message.deleted && !message.onlyForMe) known.delete(ts);
    }
  }

  /** Take a message from the stream and return it as it is kept; a deleted root stays while it has replies. */
  hear(channel, raw) {
    const message = asMessage(raw, channel, null);
    const isNew = !this.message(channel, message.ts);
    this.#keep(message, ++this.#heard);
    if (isNew && message.bot && message.thread_ts) this.#statuses.delete(`${channel}/${message.thread_ts}`);
    if (message.deleted && !message.reply_count) this.#forget(message);
    this.#changed();
    return message;
  }

  #forget({ channel, ts, thread_ts }) {
    this.#messages.get(channel).delete(ts);
    const said = this.#replies.get(`${channel}/${thread_ts}`);
    if (said && compareTs(ts, said.upTo) <= 0) said.count--;
  }

  /** Keep what one user alone sees; it lives until it is deleted, dismissed, or the page is closed. */
  hearEphemeral({ channel, user, thread_ts, ts, text, blocks, deleted }) {
    if (deleted) return this.dismiss(channel, ts);
    const message = asMessage({ ts, thread_ts, text, blocks, user: this.botUser, bot: true }, channel, null);
    this.#keep({ ...message, onlyForMe: this.userNamed(idOf(user))?.id ?? this.me }, ++this.#heard);
    return this.#changed();
  }

  dismiss(channel, ts) {
    this.#messages.get(channel)?.delete(ts);
    this.#changed();
  }

  #channelMessages(channel) {
    if (!this.#messages.has(channel)) this.#messages.set(channel, new Map());
    return this.#messages.get(channel);
  }

  #keep(message, heard) {
    this.#channelMessages(message.channel).set(message.ts, { ...message, heard });
    if (!isRoot(message) || message.reply_count === undefined) return;
    const key = `${message.channel}/${message.ts}`;
    const known =
      this.thread(message.channel, message.ts)
        .filter((one) => one.ts !== message.ts)
        .at(-1)?.ts ?? "";
    this.#replies.set(key, {
      count: message.reply_count,
      upTo: message.latest_reply || (message.reply_count > 0 ? known : ""),
    });
  }

  // ---- the home tab and prompts ----

  /** Return what was published for my home tab: a view, null for nothing, undefined while nobody has asked. */
  get home() {
    return this.#homes.get(this.me)?.view;
  }

  /** Take over a home tab as the API gave it, asked for at `since`, unless the stream has said more since. */
  takeHome({ user, view }, { since }) {
    if ((this.#homes.get(user)?.heard ?? 0) > since) return;
    this.#homes.set(user, { view, heard: this.#heard });
    this.#changed();
  }

  /** Take a home tab from the stream. */
  hearHome({ user, view }) {
    this.#homes.set(user, { view, heard: ++this.#heard });
    this.#changed();
  }

  takePrompts({ channel, prompts }) {
    this.prompts.set(channel, list(prompts));
    this.#changed();
  }

  /** Return what the app suggests to ask in a direct message, as `{title, message}`. */
  promptsIn(channel) {
    return this.isDirect(channel) ? (this.prompts.get(channel) ?? this.firstPrompts) : [];
  }

  // ---- statuses and unread marks ----

  setStatus(channel, thread, status) {
    if (status) this.#statuses.set(`${channel}/${thread}`, String(status));
    else this.#statuses.delete(`${channel}/${thread}`);
    this.#changed();
  }

  setSession({ channel, thread_ts, status }) {
    const key = `${channel}/${thread_ts}`;
    if (status === "processing") this.#working.add(key);
    else this.#working.delete(key);
    this.#changed();
  }

  /** Say whether the app works in a thread, so that it can be stopped. */
  isWorking(channel, thread) {
    return this.#working.has(`${channel}/${thread}`);
  }

  /** Return "is thinking…" or its like, or "". */
  status(channel, thread) {
    return this.#statuses.get(`${channel}/${thread}`) ?? "";
  }

  markUnread(channel) {
    if (this.unread.has(channel)) return;
    this.unread.add(channel);
    this.#changed();
  }

  markRead(channel) {
    if (this.unread.delete(channel)) this.#changed();
  }

  /** Become someone else. */
  become(user) {
    this.me = user;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Compare two ts as the numbers they are. */
export const compareTs = (a, b) => Number(a || 0) - Number(b || 0) || String(a).localeCompare(String(b));

const byTs = (a, b) => compareTs(a.ts, b.ts);
export const isRoot = (message) => !message.thread_ts || message.thread_ts === message.ts;
const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const idOf = (value) => String((typeof value === "object" && value ? value.id : value) ?? "");

/** Take a message as the API words it, with every absent or odd field made plain. */
function asMessage(raw, channel, thread) {
  const ts = String(raw?.ts ?? "");
  const under = raw?.thread_ts ?? thread;
  return {
    ts,
    channel,
    thread_ts: under && String(under) !== ts ? String(under) : "",
    user: String(raw?.user ?? ""),
    bot: raw?.bot === true,
    text: typeof raw?.text === "string" ? raw.text : "",
    streaming: raw?.streaming === true,
    blocks: Array.isArray(raw?.blocks) ? raw.blocks : [],
    files: Array.isArray(raw?.files) ? raw.files : [],
    edited: Boolean(raw?.edited),
    deleted: raw?.deleted === true,
    subtype: String(raw?.subtype ?? ""),
    reactions: raw?.reactions && typeof raw.reactions === "object" ? raw.reactions : {},
    reply_count: Number.isInteger(raw?.reply_count) ? raw.reply_count : undefined,
    latest_reply: raw?.latest_reply ? String(raw.latest_reply) : "",
    onlyForMe: "",
  };
}
