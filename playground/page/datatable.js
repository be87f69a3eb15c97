// `data_table` blocks (https://docs.slack.dev/reference/block-kit/blocks/data-table-block): a table that can be
// sorted by its columns and leafed through. The first row is the header.

import { el } from "./dom.js";

const PAGE_SIZE = 5; // Slack's default

/** Build the table; `cellOf(cell)` makes what stands in a cell. */
export function dataTable(block, cellOf) {
  const [head = [], ...rows] = Array.isArray(block.rows) ? block.rows : [];
  const size = Number.isInteger(block.page_size) ? block.page_size : PAGE_SIZE;
  const pages = Math.max(Math.ceil(rows.length / size), 1);
  const state = { page: 0, column: -1, down: false };
  const body = el("tbody");
  const where = el("span", { class: "quiet", role: "status" });
  const turn = (by) => show((state.page = Math.min(Math.max(state.page + by, 0), pages - 1)));
  const back = el("button", { class: "button", type: "button", on: { click: () => turn(-1) } }, "Previous");
  const next = el("button", { class: "button", type: "button", on: { click: () => turn(1) } }, "Next");
  const titles = head.map((cell, column) => el("th", { scope: "col" }, sorter(column, cell)));

  function sorter(column, cell) {
    const sort = () => {
      state.down = state.column === column && !state.down;
      state.column = column;
      show();
    };
    return el("button", { class: "sort", type: "button", on: { click: sort } }, cellOf(cell));
  }

  function show() {
    const sorted = state.column < 0 ? rows : [...rows].sort(by(state.column, state.down));
    body.replaceChildren(...sorted.slice(state.page * size, (state.page + 1) * size).map(line));
    titles.forEach((title, at) =>
      title.setAttribute("aria-sort", at !== state.column ? "none" : state.down ? "descending" : "ascending"),
    );
    where.textContent = `${state.page + 1} of ${pages}`;
    back.disabled = state.page === 0;
    next.disabled = state.page === pages - 1;
  }

  const line = (row) =>
    el(
      "tr",
      {},
      row.map((cell) => el("td", { class: isNumber(cell) ? "align-right" : null }, cellOf(cell))),
    );
  show();
  return el(
    "div",
    { class: "data-table" },
    el("p", { class: "caption" }, String(block.caption?.text ?? block.caption ?? "")),
    el(
      "div",
      { class: "table-scroll", tabindex: 0 },
      el("table", {}, el("thead", {}, el("tr", {}, titles)), body),
    ),
    pages > 1 && el("div", { class: "pager" }, back, where, next),
  );
}

const isNumber = (cell) => cell?.type === "raw_number";
const valueOf = (cell) => (isNumber(cell) ? Number(cell.value) : String(cell?.text ?? ""));

const by = (column, down) => (a, b) => {
  const [one, other] = [valueOf(a[column]), valueOf(b[column])];
  const order =
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other));
  return down ? -order : order;
};
