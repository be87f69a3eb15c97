// Slack's own text format (https://docs.slack.dev/messaging/formatting-message-text) as nodes:
// what people type and what sections hold. Escapes and entities come as Slack stores them.

import { el } from "./dom.js";
import { inline, unescapeSlack } from "./inline.js";

const FENCE = /```\n?([\s\S]*?)\n?```/g;
const QUOTE = /^(?:&gt;|>) ?/;

/** Turn Slack's text into nodes. */
export function mrkdwn(text, names) {
  const out = document.createDocumentFragment();
  let last = 0;
  for (const fence of text.matchAll(FENCE)) {
    appendLines(out, text.slice(last, fence.index).replace(/\n$/, ""), names);
    out.append(el("pre", { tabindex: 0 }, el("code", {}, unescapeSlack(fence[1]))));
    last = fence.index + fence[0].length;
    if (text[last] === "\n") last++;
  }
  appendLines(out, text.slice(last), names);
  return out;
}

function appendLines(out, text, names) {
  if (text === "") return;
  for (const { quoted, lines } of runs(text.split("\n"))) {
    const body = inline(lines.join("\n"), "mrkdwn", names);
    out.append(el(quoted ? "blockquote" : "p", {}, body));
  }
}

/** Group neighbouring lines into quoted and unquoted runs. */
function runs(lines) {
  const groups = [];
  for (const line of lines) {
    const quoted = QUOTE.test(line);
    if (groups.at(-1)?.quoted !== quoted) groups.push({ quoted, lines: [] });
    groups.at(-1).lines.push(quoted ? line.replace(QUOTE, "") : line);
  }
  return groups;
}
