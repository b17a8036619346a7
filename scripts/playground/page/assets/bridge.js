// The bridge itself: whether it runs, to kill it and start it again; and what one may try first.

import { byId, h } from "./dom.js";
import { act } from "./store.js";

const WHO = { you: ["You", "talk, decide, manage"], mallory: ["Mallory", "no rights"] };

export class Bridge {
  #prompts = "";

  /** `say(text)` says it in the channel that is open; `fails(words)` tells what went wrong. */
  constructor(store, { say, fails }) {
    this.store = store;
    this.say = say;
    this.fails = fails;
    byId("bridge-act").addEventListener("click", () => this.#do(this.store.bridge.runs ? "Kill" : "Start"));
    byId("broken")
      .querySelector("button")
      .addEventListener("click", () => this.#do("Start"));
  }

  /** `channel`: the one that is open, and `isEmpty`: whether nobody wrote anywhere. */
  draw(isEmpty) {
    const { runs, ending } = this.store.bridge;
    byId("bridge-state").textContent = runs ? (this.store.bot.online ? "runs" : "starts") : "does not run";
    byId("bridge-act").textContent = runs ? "Kill the bridge" : "Start it again";
    byId("bridge-act").className = runs ? "button danger" : "button success";
    byId("broken").hidden = runs;
    byId("broken").querySelector("span").textContent = ending
      ? `The bridge does not run: ${ending}. A Claude that works goes on. `
      : "";
    const [name, rights] = WHO[this.store.who];
    byId("as").replaceChildren(h("strong", null, name), h("small", null, rights));
    this.#welcome(isEmpty);
  }

  #welcome(isEmpty) {
    byId("welcome").hidden = !isEmpty;
    const { prompts } = this.store.scene;
    if (this.#prompts === String(prompts)) return;
    this.#prompts = String(prompts);
    byId("prompts").replaceChildren(
      ...prompts.map((text) => h("button", { type: "button", on: { click: () => this.say(text) } }, text)),
    );
  }

  async #do(what) {
    byId("bridge-act").disabled = true;
    const { error } = await act(this.store.who, what);
    byId("bridge-act").disabled = false;
    if (error) this.fails(error);
  }
}
