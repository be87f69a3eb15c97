// Interactive elements (https://docs.slack.dev/reference/block-kit/block-elements) as controls. What is
// pressed goes to `scene.act`, what an input holds to `scene.hold`; an element that this page does not
// know is named in grey.

import { confirmed } from "./confirm.js";
import { el, icon, safeUrl } from "./dom.js";
import { withEmoji } from "./emoji.js";

const array = (value) => (Array.isArray(value) ? value : []);
const string = (value) => (typeof value === "string" ? value : "");

const CONTROLS = {
  button,
  overflow: (part, block, scene) => chooser(part, block, scene, "⋯"),
  static_select: chooserOf((part) => part, "Choose…"),
  users_select: chooserOf(withPeople, "Choose a person…"),
  channels_select: chooserOf(withChannels("initial_channel"), "Choose a channel…"),
  conversations_select: chooserOf(withChannels("initial_conversation"), "Choose a channel…"),
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  feedback_buttons: feedback,
  icon_button: pictureButton,
  plain_text_input: (part, block, scene) =>
    part.multiline
      ? writing(part, block, scene, "textarea", { rows: 3 })
      : writing(part, block, scene, "input", { type: "text" }),
  number_input: (part, block, scene) => writing(part, block, scene, "input", numeric(part)),
  email_text_input: (part, block, scene) => writing(part, block, scene, "input", { type: "email" }),
  url_text_input: (part, block, scene) => writing(part, block, scene, "input", { type: "url" }),
  datepicker: (part, block, scene) => writing(part, block, scene, "input", { type: "date" }, "initial_date"),
  timepicker: (part, block, scene) => writing(part, block, scene, "input", { type: "time" }, "initial_time"),
};

/**
 * Turn an element of `block` into a control. `scene` is `{workspace, act(action, control), hold(block_id,
 * action_id, value)}`; `label` names it for people who listen.
 */
export function element(part, block, scene, label = "") {
  const type = string(part?.type);
  if (!Object.hasOwn(CONTROLS, type)) return el("span", { class: "unknown" }, `[${type || "element"}]`);
  return CONTROLS[type](part, block, scene, label);
}

/** Say which element it is, for `scene.act`. */
const actionOf = (part, block) => ({
  block_id: string(block.block_id),
  action_id: string(part.action_id),
  type: string(part.type),
});

/** Inputs inside an `input` block tell the app only if the block says so; all others do at once. */
const dispatches = (block) => block.type !== "input" || block.dispatch_action === true;

const act = async (part, block, scene, value, control) => {
  if (await confirmed(part.confirm)) scene.act({ ...actionOf(part, block), value }, control);
};

// ---- buttons ----

function pressable(part, block, scene, props, value, ...label) {
  const press = (event) => act(part, block, scene, value, event.currentTarget);
  const key = `${string(block.block_id)}/${string(part.action_id)}/${value}`;
  return el(
    "button",
    {
      type: "button",
      data: { action: key },
      "aria-label": part.accessibility_label,
      on: { click: press },
      ...props,
    },
    ...label,
  );
}

function button(part, block, scene) {
  const style = ["primary", "danger"].includes(part.style) ? ` button-${part.style}` : "";
  const label = withEmoji(string(part.text?.text) || "Button");
  const made = pressable(part, block, scene, { class: `button${style}` }, string(part.value), label);
  const href = safeUrl(part.url);
  if (part.url && href)
    made.addEventListener("click", () => window.open(href, "_blank", "noopener,noreferrer"));
  return made;
}

function pictureButton(part, block, scene) {
  const label = string(part.text?.text) || "Delete";
  const props = { class: "icon-button", title: label, "aria-label": label };
  return pressable(
    part,
    block,
    scene,
    props,
    string(part.value),
    icon(part.icon === "trash" ? "trash" : "close"),
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
    return pressable(part, block, scene, props, string(option?.value), icon(name));
  };
  return el(
    "span",
    { class: "feedback-pair", role: "group", "aria-label": "Was this helpful?" },
    choice(part.positive_button, "up", "Good answer"),
    choice(part.negative_button, "down", "Bad answer"),
  );
}

// ---- choices ----

const option = (value, text) => ({ value, text: { type: "plain_text", text } });

/** Return what makes a menu of an element: `filled` gives it its options. */
function chooserOf(filled, otherwise) {
  return (part, block, scene, label) =>
    chooser(filled(part, scene), block, scene, withEmoji(string(part.placeholder?.text) || otherwise), label);
}

function withPeople(part, { workspace }) {
  const options = workspace.people.map((user) => option(user.id, workspace.displayName(user.id)));
  return { ...part, options, initial_option: part.initial_user && { value: part.initial_user } };
}

function withChannels(initial) {
  return (part, { workspace }) => {
    const options = workspace.openChannels.map(({ id }) => option(id, workspace.channelTitle(id)));
    return { ...part, options, initial_option: part[initial] && { value: part[initial] } };
  };
}

function chooser(part, block, scene, placeholder, label = "") {
  const isMenu = part.type === "overflow";
  const choose = (event) => {
    const { value } = event.currentTarget;
    if (!isMenu) scene.hold(string(block.block_id), string(part.action_id), value);
    if (value && dispatches(block)) act(part, block, scene, value, event.currentTarget);
    if (isMenu) event.currentTarget.value = "";
  };
  const initial = part.initial_option?.value;
  const one = (given) =>
    el(
      "option",
      { value: string(given?.value), selected: given?.value === initial },
      withEmoji(string(given?.text?.text)),
    );
  return el(
    "select",
    {
      class: isMenu ? "select select-overflow" : "select",
      "aria-label": label || (isMenu ? "More actions" : placeholder),
      data: { action: `${string(block.block_id)}/${string(part.action_id)}` },
      on: { change: choose },
    },
    el("option", { value: "", selected: initial === undefined }, placeholder),
    array(part.options).map(one),
    array(part.option_groups).map((group) =>
      el("optgroup", { label: string(group?.label?.text) }, array(group?.options).map(one)),
    ),
  );
}

function choices(type) {
  return (part, block, scene, label = "") => {
    const initial = new Set([part.initial_option, ...array(part.initial_options)].map((one) => one?.value));
    const group = el("div", {
      class: "choices",
      role: type === "radio" ? "radiogroup" : "group",
      "aria-label": label,
    });
    const choose = (event) => {
      const value = [...group.querySelectorAll("input:checked")].map((box) => box.value).join("\n");
      scene.hold(string(block.block_id), string(part.action_id), value);
      if (dispatches(block)) act(part, block, scene, value, event.currentTarget);
    };
    const name = `${string(block.block_id)}/${string(part.action_id)}`;
    const one = (given) => {
      const props = {
        type,
        name,
        value: string(given?.value),
        checked: initial.has(given?.value),
        on: { change: choose },
      };
      const data = { action: `${name}/${string(given?.value)}` };
      return el(
        "label",
        { class: "choice" },
        el("input", { ...props, data }),
        withEmoji(string(given?.text?.text)),
      );
    };
    group.append(...array(part.options).map(one));
    return group;
  };
}

// ---- inputs ----

const numeric = (part) => ({
  type: "number",
  step: part.is_decimal_allowed ? "any" : "1",
  min: part.min_value,
  max: part.max_value,
});

function writing(part, block, scene, tag, props, initial = "initial_value") {
  const onEachKey = array(part.dispatch_action_config?.trigger_actions_on).includes("on_character_entered");
  const send = (control) =>
    dispatches(block) && control.reportValidity() && act(part, block, scene, control.value, control);
  const hold = ({ currentTarget }) => {
    scene.hold(string(block.block_id), string(part.action_id), currentTarget.value);
    if (onEachKey) send(currentTarget);
  };
  const onKey = (event) => {
    if (event.key !== "Enter" || event.isComposing || tag === "textarea") return;
    event.preventDefault();
    send(event.currentTarget);
  };
  const isPicker = props.type === "date" || props.type === "time";
  const change = (event) => isPicker && send(event.currentTarget);
  const made = el(tag, {
    class: "field",
    ...props,
    maxlength: part.max_length,
    minlength: part.min_length,
    placeholder: string(part.placeholder?.text),
    data: { action: `${string(block.block_id)}/${string(part.action_id)}` },
    on: { input: hold, keydown: onKey, change },
  });
  made.value = string(part[initial]);
  return made;
}
