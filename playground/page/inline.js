// Text inside a line, in either of the two dialects, as nodes: emphasis, code, links, mentions, emoji.
// Linear in practice and bounded in depth, because the text is a stranger's. Leaves lines to
// mrkdwn.js and markdown.js.

import { el, link } from "./dom.js";
import { emojiFor } from "./emoji.js";

// Deeper nesting adds nothing people can see, and unbounded nesting breaks browsers.
const MAX_DEPTH = 24;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const ENTITIES = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  "#39": "'",
  "#x27": "'",
};
// `(address)`, `(<address>)` or `(address "title")`, with parentheses in pairs inside the address.
const LINK_TARGET =
  /\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)/y;
const TAGS = {
  markdown: { "*1": "em", "*2": "strong", _1: "em", _2: "strong", "~1": "s", "~2": "s" },
  mrkdwn: { "*1": "strong", _1: "em", "~1": "s" },
};

/** Turn text into nodes. `dialect` is "markdown" or "mrkdwn"; `names` says who `<@U…>` is. */
export function inline(text, dialect, names, depth = 0) {
  const scan = { text, dialect, names, depth, closers: matchBrackets(text), codeRuns: codeRunEnds(text) };
  const pieces = scanPieces(scan);
  matchDelimiters(
    pieces.filter((piece) => piece.mark),
    dialect,
  );
  return assemble(pieces);
}

/** Undo Slack's three escapes. */
export const unescapeSlack = (text) => text.replace(/&(amp|lt|gt);/g, (_, name) => ENTITIES[name]);

/** Build the node for what stands between `<` and `>`, or null if Slack would not know it. */
export function angled(inner, names) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length ? unescapeSlack(rest.join("|")) : "";
  if (target.startsWith("@")) return userMention(target.slice(1), label, names);
  if (target.startsWith("#")) return channelMention(target.slice(1), label, names);
  if (target.startsWith("!")) return special(target.slice(1), label);
  if (/^(https?:\/\/|mailto:)\S+$/i.test(target)) {
    const address = unescapeSlack(target);
    return link(address, label || address.replace(/^mailto:/i, ""));
  }
  return null;
}

/** Build the mention of a user; one nobody knows shows the label that came with it. */
export function userMention(id, label, names) {
  const name = names.user(id) ?? (label.replace(/^@/, "") || "unknown user");
  return el("span", { class: id === names.me() ? "mention mention-me" : "mention" }, `@${name}`);
}

/** Build the mention of a channel, which leads there. */
export function channelMention(id, label, names) {
  const name = names.channel(id);
  if (name === null) return el("span", { class: "mention" }, `#${label || "unknown channel"}`);
  return el("a", { class: "mention", href: `#${encodeURIComponent(id)}` }, `#${name}`);
}

function special(word, label) {
  if (word.startsWith("date^")) return el("time", {}, label || word.split("^").at(-1));
  if (word.startsWith("subteam^")) return el("span", { class: "mention" }, label || "@group");
  return el("span", { class: "mention mention-me" }, `@${(label || word).replace(/^@/, "")}`);
}

// ---- scanning: text in, pieces out (strings, nodes, delimiter runs) ----

function scanPieces(scan) {
  const pieces = [];
  let plain = "";
  for (let at = 0; at < scan.text.length;) {
    const read = READERS[scan.text[at]]?.(scan, at) ?? null;
    if (read === null) {
      plain += scan.text[at++];
      continue;
    }
    if (read.plain !== undefined) plain += read.plain;
    else {
      if (plain) pieces.push({ plain });
      plain = "";
      pieces.push(read);
    }
    at = read.next;
  }
  if (plain) pieces.push({ plain });
  return pieces;
}

const READERS = {
  "\\": readEscape,
  "\n": (_, at) => ({ node: el("br"), next: at + 1 }),
  "`": readCode,
  "<": readAngle,
  "&": readEntity,
  ":": readEmoji,
  "!": readImage,
  "[": readLink,
  h: readBareUrl,
  "*": readDelimiters,
  _: readDelimiters,
  "~": readDelimiters,
};

function sticky(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function readEscape({ text, dialect }, at) {
  if (dialect !== "markdown") return null;
  const next = text[at + 1] ?? "";
  if (next === "\n") return { node: el("br"), next: at + 2 };
  return /[!-/:-@[-`{-~]/.test(next) ? { plain: next, next: at + 2 } : null;
}

function readCode({ text, dialect, codeRuns }, at) {
  const run = sticky(/`+/y, text, at)[0].length;
  const end = codeRuns.get(run)?.find((start) => start >= at + run);
  if (end === undefined) return { plain: "`".repeat(run), next: at + run };
  let code = text.slice(at + run, end).replaceAll("\n", " ");
  if (dialect === "mrkdwn") code = unescapeSlack(code);
  else if (/^ .*\S.* $/.test(code)) code = code.slice(1, -1);
  return { node: el("code", {}, code), next: end + run };
}

function readAngle({ text, dialect, names }, at) {
  const found = sticky(/<([^<>\n]{1,3000})>/y, text, at);
  if (found === null) return null;
  if (dialect === "markdown" && /^br\s*\/?$/i.test(found[1]))
    return { node: el("br"), next: at + found[0].length };
  const node = angled(found[1], names);
  return node === null ? null : { node, next: at + found[0].length };
}

function readEntity({ text, dialect }, at) {
  const found = sticky(/&(#?\w{1,6});/y, text, at);
  const known =
    dialect === "markdown" ? Object.hasOwn(ENTITIES, found?.[1] ?? "") : /^(amp|lt|gt)$/.test(found?.[1]);
  return known ? { plain: ENTITIES[found[1]], next: at + found[0].length } : null;
}

function readEmoji({ text }, at) {
  const found = sticky(/:([a-z0-9_+-]{1,40}):/y, text, at);
  const picture = found && emojiFor(found[1]);
  return picture
    ? { node: el("span", { class: "emoji", title: found[0] }, picture), next: at + found[0].length }
    : null;
}

// A picture from elsewhere would tell its host who reads this; it becomes a link to it.
function readImage(scan, at) {
  if (scan.dialect !== "markdown" || scan.text[at + 1] !== "[") return null;
  const found = readLink(scan, at + 1);
  return found && { node: el("span", { class: "image-link" }, found.node), next: found.next };
}

function readLink(scan, at) {
  const close = scan.closers.get(at);
  if (scan.dialect !== "markdown" || close === undefined || scan.text[close + 1] !== "(" || scan.depth >= 2)
    return null;
  const target = sticky(LINK_TARGET, scan.text, close + 1);
  if (target === null) return null;
  const label = inline(scan.text.slice(at + 1, close), scan.dialect, scan.names, scan.depth + 1);
  const address = (target[1] ?? target[2]).replace(/\\([!-/:-@[-`{-~])/g, "$1");
  return {
    node: link(address, label.childNodes.length ? label : address),
    next: close + 1 + target[0].length,
  };
}

function readBareUrl({ text, depth }, at) {
  if (depth > 0 || /[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) return null;
  const found = sticky(/https?:\/\/(?:(?!&[lg]t;)[^\s<>`|]){1,2000}/y, text, at);
  if (found === null) return null;
  const url = withoutTail(found[0]);
  return /^https?:\/\/./.test(url)
    ? { node: link(unescapeSlack(url), unescapeSlack(url)), next: at + url.length }
    : null;
}

/** Leave a sentence's punctuation and an unmatched closing parenthesis out of its address. */
function withoutTail(url) {
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1];
    if (last === ")" && url.slice(0, end).split("(").length >= url.slice(0, end).split(")").length) break;
    if (!".,;:!?'\"*_~)]}".includes(last)) break;
  }
  return url.slice(0, end);
}

function readDelimiters({ text, dialect }, at) {
  const mark = text[at];
  let next = at;
  while (text[next] === mark) next++;
  const count = next - at;
  if ((mark === "~" && count > 2) || (dialect === "mrkdwn" && count > 1))
    return { plain: mark.repeat(count), next };
  const before = text[at - 1] ?? " ";
  const after = text[next] ?? " ";
  const leftFlanking = flanks(after, before);
  const rightFlanking = flanks(before, after);
  const strict = mark === "_" || dialect === "mrkdwn";
  return {
    mark,
    count,
    next,
    length: count,
    opens: [],
    closes: [],
    canOpen: leftFlanking && (!strict || !rightFlanking || PUNCTUATION.test(before)),
    canClose: rightFlanking && (!strict || !leftFlanking || PUNCTUATION.test(after)),
  };
}

const flanks = (inner, outer) =>
  !/\s/.test(inner) && (!PUNCTUATION.test(inner) || /\s/.test(outer) || PUNCTUATION.test(outer));

function matchBrackets(text) {
  const open = [];
  const closers = new Map();
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") open.push(at);
    else if (text[at] === "]" && open.length) closers.set(open.pop(), at);
  }
  return closers;
}

/** Note where runs of backticks start, by length: a code span ends at the next run as long as its first. */
function codeRunEnds(text) {
  const runs = new Map();
  for (const run of text.matchAll(/`+/g)) {
    if (!runs.has(run[0].length)) runs.set(run[0].length, []);
    runs.get(run[0].length).push(run.index);
  }
  return runs;
}

// ---- emphasis: https://spec.commonmark.org/0.31.2/#phase-2-inline-structure ----

function matchDelimiters(marks, dialect) {
  const barred = new Map(); // no opener for this kind of closer at or before this place
  for (let at = 0; at < marks.length; at++) {
    const closer = marks[at];
    while (closer.canClose && closer.count > 0) {
      const kind = `${closer.mark}${closer.canOpen}${closer.length % 3}`;
      const from = openerFor(marks, at, barred.get(kind) ?? -1);
      if (from < 0) {
        barred.set(kind, at - 1);
        break;
      }
      pair(marks[from], closer, dialect);
      for (let inside = from + 1; inside < at; inside++)
        marks[inside].canOpen = marks[inside].canClose = false;
    }
  }
}

function openerFor(marks, at, floor) {
  const closer = marks[at];
  for (let from = at - 1; from > floor; from--) {
    const opener = marks[from];
    if (opener.mark === closer.mark && opener.canOpen && opener.count > 0 && fits(opener, closer))
      return from;
  }
  return -1;
}

function fits(opener, closer) {
  if (closer.mark === "~") return opener.length === closer.length;
  if (!opener.canClose && !closer.canOpen) return true;
  return (opener.length + closer.length) % 3 !== 0 || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

function pair(opener, closer, dialect) {
  const used = closer.mark === "~" ? closer.count : Math.min(opener.count, closer.count, 2);
  const tag = TAGS[dialect][`${closer.mark}${used}`];
  opener.opens.unshift(tag);
  closer.closes.push(tag);
  opener.count -= used;
  closer.count -= used;
}

function assemble(pieces) {
  const root = document.createDocumentFragment();
  const open = [root];
  let tooDeep = 0;
  for (const piece of pieces) {
    const here = () => open.at(-1);
    if (piece.plain !== undefined) here().append(piece.plain);
    else if (piece.node) here().append(piece.node);
    else {
      tooDeep = closeTags(piece, open, tooDeep);
      if (piece.count > 0) here().append(piece.mark.repeat(piece.count));
      tooDeep = openTags(piece, open, tooDeep);
    }
  }
  root.normalize();
  return root;
}

function closeTags({ closes }, open, tooDeep) {
  const shallow = Math.max(closes.length - tooDeep, 0);
  open.length -= shallow;
  return tooDeep - (closes.length - shallow);
}

function openTags({ opens }, open, tooDeep) {
  for (const tag of opens) {
    if (open.length > MAX_DEPTH) tooDeep++;
    else {
      const node = el(tag);
      open.at(-1).append(node);
      open.push(node);
    }
  }
  return tooDeep;
}
