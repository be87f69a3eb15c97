// Block Kit (https://docs.slack.dev/reference/block-kit/blocks) as nodes. A block or element that
// this page does not know is named in grey rather than left out. Pressing is left to `scene.act`.

import { el, icon, link, safeUrl } from "./dom.js";
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
  context_actions: actions,
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
  data_table: tableBlock,
  plan: (block) => el("p", { class: "task-line" }, string(block.title)),
  task_card: taskCard,
};

/**
 * Turn a block into a node. `scene` is `{names, served, arriving, act(action, control)}`: `served` is false
 * where nobody answers a press, and then nothing can be pressed; `arriving` is true while text streams in.
 */
export function renderBlock(block, scene) {
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
  return [body, block.accessory && el("div", { class: "accessory" }, element(block.accessory, block, scene))];
}

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
  return array(block.elements).map((part) => element(part, block, scene));
}

const CONTROLS = {
  button,
  overflow,
  static_select: select,
  feedback_buttons: feedback,
  icon_button: pictureButton,
  image,
};

function element(part, block, scene) {
  const type = string(part?.type);
  return Object.hasOwn(CONTROLS, type) ? CONTROLS[type](part, block, scene) : unknown(part ?? {});
}

const unserved = (scene) =>
  scene.served ? {} : { disabled: true, title: "This playground does not answer buttons yet." };

function control(part, block, scene, props, value, ...label) {
  const press = (event) => {
    if (part.confirm && !window.confirm(string(part.confirm.text?.text) || "Are you sure?")) return;
    const action = {
      block_id: string(block.block_id),
      action_id: string(part.action_id),
      type: string(part.type),
      ...value,
    };
    scene.act(action, event.currentTarget);
  };
  const key = `${string(part.action_id)}/${value.value ?? ""}`;
  return el(
    "button",
    {
      type: "button",
      data: { action: key },
      "aria-label": part.accessibility_label,
      on: { click: press },
      ...props,
      ...unserved(scene),
    },
    ...label,
  );
}

function button(part, block, scene) {
  const style = ["primary", "danger"].includes(part.style) ? ` button-${part.style}` : "";
  const label = withEmoji(string(part.text?.text) || "Button");
  const made = control(part, block, scene, { class: `button${style}` }, { value: string(part.value) }, label);
  const href = safeUrl(part.url);
  if (part.url && href)
    made.addEventListener("click", () => window.open(href, "_blank", "noopener,noreferrer"));
  return made;
}

function pictureButton(part, block, scene) {
  const name = part.icon === "trash" ? "trash" : "close";
  const label = string(part.text?.text) || "Delete";
  return control(
    part,
    block,
    scene,
    { class: "icon-button", title: label, "aria-label": label },
    { value: string(part.value) },
    icon(name),
  );
}

function feedback(part, block, scene) {
  const choice = (option, name, fallback) => {
    const label = string(option?.accessibility_label) || string(option?.text?.text) || fallback;
    const props = {
      class: "icon-button feedback",
      title: string(option?.text?.text) || label,
      "aria-label": label,
      "aria-pressed": "false",
    };
    return control(part, block, scene, props, { value: string(option?.value) }, icon(name));
  };
  return el(
    "span",
    { class: "feedback-pair", role: "group", "aria-label": "Was this helpful?" },
    choice(part.positive_button, "up", "Good answer"),
    choice(part.negative_button, "down", "Bad answer"),
  );
}

function select(part, block, scene) {
  return chooser(part, block, scene, withEmoji(string(part.placeholder?.text) || "Choose…"));
}

function overflow(part, block, scene) {
  return chooser(part, block, scene, "⋯");
}

function chooser(part, block, scene, placeholder) {
  const options = array(part.options);
  const choose = (event) => {
    const chosen = options[Number(event.currentTarget.value)];
    if (!chosen) return;
    const action = {
      block_id: string(block.block_id),
      action_id: string(part.action_id),
      type: string(part.type),
    };
    scene.act({ ...action, value: string(chosen.value), selected_option: chosen }, event.currentTarget);
    if (part.type === "overflow") event.currentTarget.value = "";
  };
  const initial = options.findIndex(
    (option) => option?.value === part.initial_option?.value && part.initial_option,
  );
  const made = el(
    "select",
    {
      class: part.type === "overflow" ? "select select-overflow" : "select",
      on: { change: choose },
      "aria-label": part.type === "overflow" ? "More" : placeholder,
      data: { action: string(part.action_id) },
      ...unserved(scene),
    },
    el("option", { value: "", selected: initial < 0 }, placeholder),
    options.map((option, at) =>
      el("option", { value: at, selected: at === initial }, withEmoji(string(option?.text?.text))),
    ),
  );
  return made;
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
