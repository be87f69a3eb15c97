// The playground's JSON API as functions, and its stream of changes. Failures are ApiErrors whose
// message may be shown to people; `status` 0 means that nobody answered.

const HEALTH_EVERY_MS = 700;
const STREAM_RETRY_MS = 1500;

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** True when this version of the API has no such address. */
  get isMissing() {
    const unnamed = this.code === "" || this.code === "not_found";
    return (this.status === 404 && unnamed) || this.status === 405 || this.status === 501;
  }
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store", ...options });
  } catch {
    throw new ApiError(0, "unreachable", "The playground does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok || body === null || typeof body !== "object") {
    throw new ApiError(
      answer.status,
      text(body?.error),
      text(body?.message) || `The playground answered with status ${answer.status}.`,
    );
  }
  return body;
}

const text = (value) => (typeof value === "string" ? value : "");
const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const part = encodeURIComponent;

export const getWorkspace = () => call("/api/workspace");
export const getMessages = (channel) => call(`/api/channels/${part(channel)}/messages`);
export const getThread = (channel, ts) => call(`/api/threads/${part(channel)}/${part(ts)}`);
export const getHome = (user) => call(`/api/home/${part(user)}`);
export const getDeliveries = () => call("/api/deliveries");
export const getMischief = () => call("/api/mischief");
export const getLedger = () => call("/api/ledger");
export const postMessage = (message) => post("/api/messages", message);
export const postAction = (action) => post("/api/actions", action);
export const postStop = (stop) => post("/api/stop", stop);
export const postHome = (home) => post("/api/home", home);
export const postMischief = (what, how) => post(`/api/mischief/${part(what)}`, how);
export const postAgain = (again) => post("/api/again", again);

/** Wait until the playground is up; `tell` hears what is still starting. */
export async function untilUp(tell) {
  for (;;) {
    const health = await readHealth();
    if (health.ok) return;
    tell(health.starting);
    await new Promise((resolve) => setTimeout(resolve, HEALTH_EVERY_MS));
  }
}

async function readHealth() {
  try {
    const answer = await fetch("/api/health", { cache: "no-store" });
    const body = await answer.json().catch(() => ({}));
    return { ok: answer.ok && body?.ok === true, starting: text(body?.starting) };
  } catch {
    return { ok: false, starting: "" };
  }
}

/** Follow the stream for good: `onUp()` on each connection, `onDown()` on each loss, `on[name](data)` per event. */
export function followStream({ on, onUp, onDown }) {
  const connect = () => {
    const source = new EventSource("/api/stream");
    source.addEventListener("open", () => onUp());
    source.addEventListener("error", () => {
      onDown();
      // The browser reconnects by itself after a cut, but gives up after an error status.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, STREAM_RETRY_MS);
    });
    for (const [name, listener] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        const data = parsed(event.data);
        if (data !== null) listener(data);
      });
    }
  };
  connect();
}

function parsed(json) {
  try {
    const data = JSON.parse(json);
    return typeof data === "object" ? data : null;
  } catch {
    return null;
  }
}
