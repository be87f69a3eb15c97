// Block Kit (https://docs.slack.dev/reference/block-kit/blocks) as nodes. A block that this page does not
// know is named in grey rather than left out. Controls are made in controls.js.

import { chart } from "./chart.js";
import { element } from "./controls.js";
import { dataTable } from "./datatable.js";
import { el, icon, link, place } from "./dom.js";
import { emojiFor, withEmoji } from "./emoji.js";
import { channelMention, userMention } from "./inline.js";
import { healed, markdown, table } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";

const array = (value) => (Array.isArray(value) ? value : []);
const string = (value) => (typeof value === "string" ? value : "");

const RENDERERS = {
  section,
  context,
  header,
  actions,
  image,
  input,
  context_actions: actions,
  data_visualization: chart,
  divider: () => el("hr"),
  markdown: (block, { names, arriving }) =>
    el("div", { class: "rich" }, markdown(arriving ? healed(string(block.text)) : string(block.text), names)),
  rich_text: (block, { names }) =>
    el(
      "div",
      { class: "rich" },
      array(block.elements).map((part) => richPart(part, names)),
    ),
  table: tableBlock,
  data_table: (block, { names }) => dataTable(block, (cell) => tableCell(cell, names)),
  plan: (block) => el("p", { class: "task-line" }, string(block.title)),
  task_card: taskCard,
};

/**
 * The blocks of a message or home tab, in `node`. Only those that changed are made anew: a control that is
 * being used must not be swapped for its twin. `scene` is what its controls need, and `names`.
 */
export class BlockList {
  #shown = []; // {print, node} of each block, in order
  #inputs = {}; // {block_id: {action_id: value}}: what people wrote and chose

  /** `act(action, control)` hears of every press, with what all inputs hold. */
  constructor(node, { names, workspace, act }) {
    this.node = node;
    this.stage = {
      names,
      workspace,
      act: (action, control) => act({ ...action, inputs: this.#inputs }, control),
      hold: (block, action, value) => {
        this.#inputs = { ...this.#inputs, [block]: { ...this.#inputs[block], [action]: value } };
      },
    };
  }

  /** Show these blocks; `arriving` while text streams in. */
  show(blocks, arriving = false) {
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    this.#shown = blocks.map((block, at) => {
      const print = JSON.stringify([block, arriving, this.stage.names.version()]);
      const known = this.#shown[at];
      return known?.print === print
        ? known
        : { print, node: renderBlock(block, { ...this.stage, arriving }) };
    });
    place(
      this.node,
      this.#shown.map(({ node }) => node),
    );
    if (focused && !this.node.contains(document.activeElement)) this.#focus(focused);
  }

  #focus(action) {
    [...this.node.querySelectorAll("[data-action]")]
      .find((control) => control.dataset.action === action)
      ?.focus();
  }
}

function renderBlock(block, scene) {
  if (block === null || typeof block !== "object") return el("div", { class: "block" }, unknown({}));
  const type = string(block.type);
  const render = Object.hasOwn(RENDERERS, type) ? RENDERERS[type] : unknown;
  return el(
    "div",
    { class: `block block-${type.replace(/[^a-z_]/g, "") || "unknown"}` },
    render(block, scene),
  );
}

const unknown = (block) => el("span", { class: "unknown" }, `[${string(block.type) || "block"}]`);

function textObject(object, names) {
  if (object?.type === "mrkdwn") return mrkdwn(string(object.text), names);
  return el("p", {}, withEmoji(string(object?.text ?? object)));
}

function section(block, scene) {
  const body = el(
    "div",
    { class: "rich section-body" },
    block.text && textObject(block.text, scene.names),
    array(block.fields).length > 0 &&
      el(
        "div",
        { class: "fields" },
        block.fields.map((field) => el("div", {}, textObject(field, scene.names))),
      ),
  );
  const beside = block.accessory;
  const made =
    beside && (beside.type === "image" ? image(beside) : element(beside, block, scene, accessoryName(block)));
  return [body, made && el("div", { class: "accessory" }, made)];
}

/** What stands beside a text is named by it. */
const accessoryName = (block) =>
  string(block.text?.text)
    .replace(/[*_`~]/g, "")
    .slice(0, 80);

function context(block, scene) {
  return array(block.elements).map((part) =>
    part?.type === "image" ? image(part) : el("div", { class: "rich" }, textObject(part, scene.names)),
  );
}

function header(block) {
  return el("h3", { class: "heading heading-1" }, withEmoji(string(block.text?.text)));
}

function image(block) {
  const url = block.image_url ?? block.slack_file?.url;
  const label = string(block.alt_text) || string(block.title?.text) || "image";
  return el("span", { class: "image-link" }, icon("image"), url ? link(url, label) : label);
}

const TASK_SIGNS = { complete: "✓", error: "✗", in_progress: "…" };

function taskCard(block) {
  const sign = Object.hasOwn(TASK_SIGNS, string(block.status)) ? TASK_SIGNS[block.status] : "·";
  return el("p", { class: "task-line" }, el("span", { class: "task-sign" }, sign), string(block.title));
}

// ---- controls ----

function actions(block, scene) {
  return array(block.elements).map((part) =>
    part?.type === "image" ? image(part) : element(part, block, scene),
  );
}

function input(block, scene) {
  const name = withEmoji(string(block.label?.text));
  const made = element(block.element, block, scene, name);
  const isOne = made.matches("input, textarea, select");
  return [
    el(
      isOne ? "label" : "div",
      { class: "input" },
      el(
        "span",
        { class: "input-label" },
        name,
        block.optional && el("span", { class: "quiet" }, " (optional)"),
      ),
      made,
    ),
    block.hint && el("p", { class: "input-hint" }, withEmoji(string(block.hint.text))),
  ];
}

// ---- tables ----

function tableBlock(block, { names }) {
  const rows = array(block.rows).map((row) => array(row).map((cell) => tableCell(cell, names)));
  const settings = array(block.column_settings);
  const firstCells = array(block.rows?.[1] ?? block.rows?.[0]);
  const aligns = (rows[0] ?? []).map(
    (_, column) => settings[column]?.align ?? (firstCells[column]?.type === "raw_number" ? "right" : ""),
  );
  const caption = string(block.caption?.text ?? block.caption);
  return [caption && el("p", { class: "caption" }, caption), table(rows[0] ?? [], rows.slice(1), aligns)];
}

function tableCell(cell, names) {
  if (cell?.type === "rich_text")
    return el(
      "span",
      {},
      array(cell.elements).map((part) => richPart(part, names)),
    );
  return string(cell?.text) || String(cell?.value ?? "");
}

// ---- rich text ----

function richPart(part, names) {
  const children = () => array(part?.elements);
  switch (part?.type) {
    case "rich_text_list":
      return el(
        part.style === "ordered" ? "ol" : "ul",
        { class: `indent-${Math.min(Number(part.indent) || 0, 6)}` },
        children().map((item) =>
          el(
            "li",
            {},
            array(item?.elements).map((leaf) => richLeaf(leaf, names)),
          ),
        ),
      );
    case "rich_text_preformatted":
      return el(
        "pre",
        { tabindex: 0 },
        el(
          "code",
          {},
          children().map((leaf) => richLeaf(leaf, names)),
        ),
      );
    case "rich_text_quote":
      return el(
        "blockquote",
        {},
        children().map((leaf) => richLeaf(leaf, names)),
      );
    case "rich_text_section":
      return el(
        "p",
        {},
        children().map((leaf) => richLeaf(leaf, names)),
      );
    default:
      return unknown(part ?? {});
  }
}

function richLeaf(leaf, names) {
  switch (leaf?.type) {
    case "text":
      return styled(lines(string(leaf.text)), leaf.style);
    case "link":
      return styled([link(leaf.url, string(leaf.text) || string(leaf.url))], leaf.style);
    case "user":
      return userMention(string(leaf.user_id), "", names);
    case "channel":
      return channelMention(string(leaf.channel_id), "", names);
    case "broadcast":
      return el("span", { class: "mention mention-me" }, `@${string(leaf.range)}`);
    case "emoji":
      return el("span", { class: "emoji" }, emojiFor(string(leaf.name)) ?? `:${string(leaf.name)}:`);
    case "date":
      return el("time", {}, string(leaf.fallback));
    default:
      return unknown(leaf ?? {});
  }
}

const lines = (text) => text.split("\n").flatMap((line, at) => (at ? [el("br"), line] : [line]));

function styled(nodes, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.entries(tags).reduce(
    (inner, [name, tag]) => (style?.[name] ? [el(tag, {}, inner)] : inner),
    nodes,
  );
}
