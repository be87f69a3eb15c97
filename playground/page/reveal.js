// Text that arrives in gulps, shown as a steady flow: an app appends about once a second, and people
// read better what runs than what jumps.

const FLOW_MS = 900; // a little less than the time between two appends
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

export class Reveal {
  #target = "";
  #shown = 0;
  #frame = 0;
  #from = { shown: 0, at: 0 };

  /** `show(text)` is called with ever more of the text. */
  constructor(show) {
    this.show = show;
  }

  /** Let the text flow on to `text`; what does not continue it is shown as it is. */
  to(text) {
    const continues = text.startsWith(this.#target.slice(0, this.#shown)) && this.#shown > 0;
    this.#target = text;
    if (!continues || STILL.matches || document.hidden) return this.#finish();
    this.#from = { shown: this.#shown, at: performance.now() };
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#step());
    return undefined;
  }

  /** Stop; somebody else shows the whole. */
  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #step() {
    const share = Math.min((performance.now() - this.#from.at) / FLOW_MS, 1);
    const next = Math.round(this.#from.shown + (this.#target.length - this.#from.shown) * share);
    this.#frame = share < 1 ? requestAnimationFrame(() => this.#step()) : 0;
    if (next === this.#shown) return;
    this.#shown = next;
    this.show(this.#target.slice(0, next));
  }

  #finish() {
    this.stop();
    this.#shown = this.#target.length;
    this.show(this.#target);
  }
}
