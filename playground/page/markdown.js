// Markdown as models write it, as nodes: headings, lists, quotes, tables, fenced code and what
// inline.js knows. A line break stays a line break, as in Slack. Text that is still arriving may be
// healed first, so that half a `**bold` does not flicker.

import { el, icon, toast } from "./dom.js";
import { inline } from "./inline.js";

const MAX_DEPTH = 10; // quotes and lists inside each other; deeper ones stay text
const FENCE = /^( {0,3})(`{3,}|~{3,})[ \t]*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+•]|\d{1,9}[.)])(?:( {1,4})(?! )|( +)|$)(.*)$/;
const DELIMITER_ROW = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const ALIGNED = new Set(["left", "center", "right"]);
const ALIGNMENTS = { "true,true": "center", "false,true": "right", "true,false": "left", "false,false": "" };

/** Turn Markdown into nodes. */
export function markdown(text, names) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return blocks(
    lines.map((line) => line.replace(/^[ \t]+/, (space) => space.replaceAll("\t", "    "))),
    names,
    0,
  );
}

/** Close what the last line of a text still arriving leaves open. */
export function healed(text) {
  if ((text.match(/^ {0,3}(```|~~~)/gm) ?? []).length % 2) return text;
  const start = text.lastIndexOf("\n") + 1;
  let tail = text.slice(start).replace(/!?\[[^\]\n]*(\]\([^)\n]*)?$/, "");
  if (count(tail, "`") % 2)
    return text.slice(0, start) + (tail.endsWith("`") ? tail.slice(0, -1) : `${tail}\``);
  const outsideCode = tail.replace(/`[^`]*`/g, "");
  if (count(outsideCode, "**") % 2)
    tail = tail.endsWith("**") ? tail.slice(0, -2) : `${tail.replace(/[\s*]+$/, "")}**`;
  return text.slice(0, start) + tail;
}

const count = (text, part) => text.split(part).length - 1;

function blocks(lines, names, depth) {
  const out = document.createDocumentFragment();
  for (let at = 0; at < lines.length;) {
    if (lines[at].trim() === "") at++;
    else at = appendBlock(out, lines, at, names, depth);
  }
  return out;
}

function appendBlock(out, lines, at, names, depth) {
  for (const read of [readFence, readHeading, readRule, readQuote, readList, readTable, readParagraph]) {
    const found = read(lines, at, names, depth);
    if (found) {
      out.append(found.node);
      return found.next;
    }
  }
  return at + 1;
}

function readFence(lines, at) {
  const opener = FENCE.exec(lines[at]);
  if (!opener) return null;
  const closer = new RegExp(`^ {0,3}${opener[2][0]}{${opener[2].length},}[ \\t]*$`);
  const indent = new RegExp(`^ {0,${opener[1].length}}`);
  let end = at + 1;
  while (end < lines.length && !closer.test(lines[end])) end++;
  const code = lines
    .slice(at + 1, end)
    .map((line) => line.replace(indent, ""))
    .join("\n");
  return { node: codeBlock(code, opener[3].trim().split(/\s/)[0]), next: end + 1 };
}

/** Build a code block with its language and a button that copies it. */
function codeBlock(code, language) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      toast("Copied.");
    } catch {
      toast("The browser did not allow copying.");
    }
  };
  const props = {
    class: "copy",
    type: "button",
    "aria-label": "Copy code",
    title: "Copy code",
    on: { click: copy },
  };
  const button = el("button", props, icon("copy"));
  return el(
    "div",
    { class: "code-block" },
    el("div", { class: "code-head" }, el("span", {}, language || "code"), button),
    el("pre", { tabindex: 0 }, el("code", {}, code)),
  );
}

function readHeading(lines, at, names) {
  const found = HEADING.exec(lines[at]);
  if (found) return { node: heading(found[1].length, found[2] ?? "", names), next: at + 1 };
  const underlined = /^ {0,3}=+[ \t]*$/.test(lines[at + 1] ?? "") && !opensBlock(lines, at);
  return underlined ? { node: heading(1, lines[at].trim(), names), next: at + 2 } : null;
}

// The page's own headings end at the second rank, so an answer's begin at the third.
const heading = (rank, text, names) =>
  el(
    `h${Math.min(rank + 2, 6)}`,
    { class: `heading heading-${Math.min(rank, 4)}` },
    inline(text, "markdown", names),
  );

const readRule = (lines, at) => (RULE.test(lines[at]) ? { node: el("hr"), next: at + 1 } : null);

function readQuote(lines, at, names, depth) {
  if (!QUOTE.test(lines[at]) || depth >= MAX_DEPTH) return null;
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { node: el("blockquote", {}, blocks(inner, names, depth + 1)), next: end };
}

// ---- lists ----

function readList(lines, at, names, depth) {
  const first = itemAt(lines[at]);
  if (!first || depth >= MAX_DEPTH || first.indent > 3) return null;
  const items = [];
  let loose = false;
  let next = at;
  for (let item = first; item; item = siblingAt(lines, next, first)) {
    const end = itemEnd(lines, next, item);
    items.push([item.rest, ...lines.slice(next + 1, end).map((line) => outdent(line, item.width))]);
    next = end;
    while (next < lines.length && lines[next].trim() === "") next++;
    loose ||= next > end && siblingAt(lines, next, first) !== null;
  }
  const start = first.ordered && first.number !== 1 ? first.number : null;
  const children = items.map((item) => listItem(item, names, depth));
  return { node: el(first.ordered ? "ol" : "ul", { start, class: loose ? "loose" : null }, children), next };
}

function siblingAt(lines, at, first) {
  const item = at < lines.length && !RULE.test(lines[at]) ? itemAt(lines[at]) : null;
  return item?.ordered === first.ordered && item.indent < first.indent + 2 ? item : null;
}

function itemAt(line) {
  const found = ITEM.exec(line);
  if (!found) return null;
  const [, space, marker, gap = " ", wideGap, rest] = found;
  const ordered = /\d/.test(marker);
  const width = space.length + marker.length + (wideGap ? 1 : gap.length);
  return { indent: space.length, width, rest, ordered, number: ordered ? parseInt(marker, 10) : 0 };
}

/** Find the line after an item: it owns what is indented under it and the next lines of its paragraph. */
function itemEnd(lines, at, item) {
  let end = at + 1;
  for (let next = at + 1; next < lines.length; next++) {
    if (lines[next].trim() === "") continue;
    const indent = /^ */.exec(lines[next])[0].length;
    const belongs = indent >= Math.min(item.width, item.indent + 2);
    const runsOn = next === end && !opensBlock(lines, next);
    if (!belongs && !runsOn) break;
    end = next + 1;
  }
  return end;
}

const outdent = (line, width) => line.replace(new RegExp(`^ {0,${width}}`), "");

function listItem(lines, names, depth) {
  const task = /^\[([ xX])\] +/.exec(lines[0]);
  if (task) lines = [lines[0].slice(task[0].length), ...lines.slice(1)];
  const body = blocks(lines, names, depth + 1);
  if (!task) return el("li", {}, body);
  const done = task[1] !== " ";
  const box = el(
    "span",
    { class: "task-box", role: "img", "aria-label": done ? "done" : "open" },
    done ? "☑" : "☐",
  );
  return el("li", { class: "task" }, box, body);
}

// ---- tables ----

function readTable(lines, at, names) {
  if (!lines[at].includes("|") || !DELIMITER_ROW.test(lines[at + 1] ?? "") || !/[|:]/.test(lines[at + 1]))
    return null;
  const head = cells(lines[at]);
  const aligns = cells(lines[at + 1]).map((cell) => ALIGNMENTS[[cell.startsWith(":"), cell.endsWith(":")]]);
  if (aligns.length !== head.length) return null;
  let next = at + 2;
  while (
    next < lines.length &&
    lines[next].trim() !== "" &&
    (lines[next].includes("|") || !opensBlock(lines, next))
  )
    next++;
  const rows = lines.slice(at + 2, next).map(cells);
  const content = (cell) => inline(cell, "markdown", names);
  return {
    node: table(
      head.map(content),
      rows.map((row) => head.map((_, column) => content(row[column] ?? ""))),
      aligns,
    ),
    next,
  };
}

/** Build a table that scrolls sideways by itself. `aligns` has "", left, center or right for each column. */
export function table(head, rows, aligns) {
  const cell = (tag, content, column) => {
    const align = ALIGNED.has(aligns[column]) ? `align-${aligns[column]}` : null;
    return el(tag, { class: align, scope: tag === "th" ? "col" : null }, content);
  };
  return el(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Table" },
    el(
      "table",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          head.map((content, column) => cell("th", content, column)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            row.map((content, at) => cell("td", content, at)),
          ),
        ),
      ),
    ),
  );
}

/** Split a row at its pipes, but not inside code or after a backslash. */
function cells(line) {
  const out = [""];
  let ticks = 0;
  const row = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(^|[^\\])\|$/, "$1");
  for (let at = 0; at < row.length; at++) {
    if (row[at] === "`") ticks ^= 1;
    if (row[at] === "\\" && row[at + 1] === "|") out[out.length - 1] += row[++at];
    else if (row[at] === "|" && !(ticks && row.indexOf("`", at) > 0)) out.push("");
    else out[out.length - 1] += row[at];
  }
  return out.map((cell) => cell.trim());
}

// ---- paragraphs ----

function readParagraph(lines, at, names) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !opensBlock(lines, end)) end++;
  const text = lines
    .slice(at, end)
    .map((line) => line.trim())
    .join("\n");
  return { node: el("p", {}, inline(text, "markdown", names)), next: end };
}

function opensBlock(lines, at) {
  const line = lines[at];
  const startsTable =
    line.includes("|") && DELIMITER_ROW.test(lines[at + 1] ?? "") && /[|:]/.test(lines[at + 1]);
  return (
    FENCE.test(line) ||
    HEADING.test(line) ||
    RULE.test(line) ||
    QUOTE.test(line) ||
    itemAt(line) !== null ||
    startsTable
  );
}
