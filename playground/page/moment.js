// A message's ts as people read it: the time of day, the day.

import { el } from "./dom.js";

const DAY_MS = 86_400_000;
const YEAR_SAID_AFTER_DAYS = 300;

/** Say a ts as a time of day; "" if it is no time. */
export function timeOf(ts) {
  return dateOf(ts)?.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) ?? "";
}

/** Say a ts as a day; "" if it is no time. */
export function dayOf(ts) {
  const day = dateOf(ts);
  if (day === null) return "";
  const ago = Math.round((midnight(new Date()) - midnight(day)) / DAY_MS);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  const year = ago > YEAR_SAID_AFTER_DAYS ? "numeric" : undefined;
  return day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}

/** Build a ts as a time of day, with the whole moment on hovering. */
export function clock(ts, cls) {
  const moment = dateOf(ts);
  return el(
    "time",
    { class: cls, datetime: moment?.toISOString(), title: moment?.toLocaleString() },
    timeOf(ts),
  );
}

/** Build the same without AM or PM, for where there is no room. */
export function shortClock(ts, cls) {
  const node = clock(ts, cls);
  node.textContent = node.textContent.replace(/[^\d:.].*$/, "");
  return node;
}

function dateOf(ts) {
  const date = new Date(Number(ts) * 1000);
  return Number.isNaN(date.getTime()) ? null : date;
}

const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
