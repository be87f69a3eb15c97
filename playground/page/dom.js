// DOM nodes, built one by one: the only way this page makes markup. Text always goes in as text, so
// whatever a model or a person writes stays words. Addresses go through `safeUrl` first.

const SVG = "http://www.w3.org/2000/svg";
const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:"]);

/** Build an element. `props` are attributes, and `on` (listeners) and `data`; null and false are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "on")
    for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
  else if (name === "data") Object.assign(node.dataset, value);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** Build one of the pictures that index.html defines: an icon by its short name, or the coin. */
export function icon(name, cls = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", cls);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", name === "coin" ? "#coin" : `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Build a button that shows an icon and says `label` on hovering and to those who listen. */
export function iconButton(name, label, press) {
  const props = { class: "icon-button", type: "button", "aria-label": label, title: label };
  return el("button", { ...props, on: { click: press } }, icon(name));
}

/** Return the address if it is a web or mail address, else null (`javascript:`, `data:` and their kin). */
export function safeUrl(raw) {
  try {
    const url = new URL(String(raw));
    return SAFE_SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Build a link that opens elsewhere, without a referrer; an unsafe address gives the bare label. */
export function link(raw, ...label) {
  const href = safeUrl(raw);
  if (href === null) return el("span", {}, ...label);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title: href }, ...label);
}

/** Make these nodes the children, moving only what is out of place (so that nothing loses its focus). */
export function place(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (parent.childNodes[at] !== node) parent.insertBefore(node, parent.childNodes[at] ?? null);
  });
}

/** Return the element with this id; the page's fixed parts all exist. */
export function byId(id) {
  return document.getElementById(id);
}

/** Say something once to people who listen instead of look. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Show a short notice that goes away by itself. */
export function toast(text) {
  const note = el("p", { class: "toast" }, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}
