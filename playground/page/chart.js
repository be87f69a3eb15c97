// Charts of `data_visualization` blocks (https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block)
// as SVG: bars, lines, areas and pies, with a legend, and every figure said to those who listen.

import { el } from "./dom.js";

const WIDTH = 480;
const HEIGHT = 210;
const LEFT = 52;
const BOTTOM = 30;
const TOP = 12;
const STEPS = 4; // lines across
const LABELS = 8; // as many fit below
const array = (value) => (Array.isArray(value) ? value : []);
const number = (value) => (Number.isFinite(Number(value)) ? Number(value) : 0);

/** Turn the chart of a block into a figure. */
export function chart(block) {
  const given = block.chart ?? {};
  const isPie = given.type === "pie";
  const drawn = isPie ? pie(array(given.segments)) : plot(given);
  const names = isPie
    ? array(given.segments).map((one) => `${one.label} (${said(one.value)})`)
    : array(given.series).map((one) => one.name);
  const title = String(block.title ?? "");
  return el(
    "figure",
    { class: "chart", role: "img", "aria-label": `${title}: ${figures(given)}` },
    el("figcaption", { class: "chart-title" }, title),
    drawn,
    names.length > 1 || isPie ? legend(names) : null,
  );
}

function figures({ segments, series }) {
  const points = (list) =>
    array(list)
      .map((one) => `${one.label} ${said(one.value)}`)
      .join(", ");
  return segments
    ? points(segments)
    : array(series)
        .map((one) => `${one.name}: ${points(one.data)}`)
        .join("; ");
}

const said = (value) => number(value).toLocaleString("en", { maximumFractionDigits: 4 });

function legend(names) {
  return el(
    "ul",
    { class: "chart-legend", "aria-hidden": "true" },
    names.map((name, at) => el("li", {}, el("i", { class: `key series-${at % 6}` }), String(name))),
  );
}

function svg(tag, props, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}

// ---- bars, lines, areas ----

function plot({ type, series, axis_config: axis }) {
  const categories = array(axis?.categories);
  const values = array(series).flatMap((one) => array(one.data).map((point) => number(point.value)));
  const [low, high] = range(values);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const step = (WIDTH - LEFT - 8) / Math.max(categories.length, 1);
  const x = (at) => LEFT + step * (at + 0.5);
  const valueAt = (one, category) => number(array(one.data).find((point) => point.label === category)?.value);
  const draw = { bar: bars, line: lines, area: lines }[type] ?? bars;
  const scale = { x, y, step, categories, valueAt, base: y(Math.max(low, 0)), filled: type === "area" };
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT + (axis?.x_label ? 16 : 0)}`,
      class: "chart-plot",
      "aria-hidden": "true",
    },
    grid(low, high, y),
    draw(array(series), scale),
    below(categories, x),
    axis?.x_label ? words(axis.x_label, WIDTH / 2, HEIGHT + 10, "middle") : [],
    axis?.y_label ? words(axis.y_label, 4, TOP - 3, "start") : [],
  );
}

/** Choose round ends for the axis, with zero in between. */
function range(values) {
  const least = Math.min(0, ...values);
  const most = Math.max(0, ...values);
  const rough = (most - least || 1) / STEPS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough) * power;
  return [Math.floor(least / step) * step, Math.ceil(most / step) * step || step];
}

function grid(low, high, y) {
  return Array.from({ length: STEPS + 1 }, (_, at) => {
    const value = low + ((high - low) * at) / STEPS;
    return [
      svg("line", { x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value), class: "chart-line" }),
      words(said(value), LEFT - 6, y(value) + 4, "end"),
    ];
  }).flat();
}

const words = (text, x, y, anchor) =>
  svg("text", { x, y, "text-anchor": anchor, class: "chart-words" }, String(text));

function below(categories, x) {
  const every = Math.ceil(categories.length / LABELS);
  return categories
    .map((name, at) => (at % every ? null : words(name, x(at), HEIGHT - BOTTOM + 18, "middle")))
    .filter(Boolean);
}

function bars(series, { x, y, step, base, categories, valueAt }) {
  const width = Math.min((step * 0.72) / Math.max(series.length, 1), 44);
  return series.flatMap((one, turn) =>
    categories.map((category, at) => {
      const end = y(valueAt(one, category));
      return svg("rect", {
        class: `series-${turn % 6}`,
        x: x(at) - (width * series.length) / 2 + width * turn,
        y: Math.min(end, base),
        width: Math.max(width - 2, 1),
        height: Math.max(Math.abs(base - end), 1),
        rx: 2,
      });
    }),
  );
}

function lines(series, { x, y, base, categories, valueAt, filled }) {
  return series.map((one, turn) => {
    const points = categories.map((category, at) => `${x(at)},${y(valueAt(one, category))}`);
    if (!filled)
      return svg("polyline", { points: points.join(" "), class: `chart-stroke stroke-${turn % 6}` });
    const area = [`${x(0)},${base}`, ...points, `${x(categories.length - 1)},${base}`];
    return svg("polygon", { points: area.join(" "), class: `chart-area series-${turn % 6}` });
  });
}

// ---- pies ----

function pie(segments) {
  const total = segments.reduce((sum, one) => sum + number(one.value), 0) || 1;
  let from = 0;
  const slices = segments.map((one, at) => {
    const share = number(one.value) / total;
    const slice = wedge(from, share, `series-${at % 6}`);
    from += share;
    return slice;
  });
  return svg("svg", { viewBox: "-52 -52 104 104", class: "chart-pie", "aria-hidden": "true" }, slices);
}

function wedge(from, share, cls) {
  if (share > 0.9999) return svg("circle", { r: 50, class: cls });
  const at = (turn) => [50 * Math.sin(2 * Math.PI * turn), -50 * Math.cos(2 * Math.PI * turn)].join(" ");
  const path = `M0 0 L${at(from)} A50 50 0 ${share > 0.5 ? 1 : 0} 1 ${at(from + share)} Z`;
  return svg("path", { d: path, class: `chart-slice ${cls}` });
}
