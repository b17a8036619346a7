// Writing: a message with files, an answer to one, or the beginning of a slash command.

import { base64, byId, h } from "./dom.js";
import { CommandForm, offered } from "./commands.js";
import { act } from "./store.js";

const TALLEST_PX = 220;
const isTouch = window.matchMedia("(pointer: coarse)");

export class Composer {
  #text = byId("text");
  #offers = byId("offers");
  #drafts = new Map();
  #files = [];
  #reply = null;
  #active = 0;

  /** `actions`: answered(result), editLast(). */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.channel = null;
    this.form = new CommandForm(
      store,
      (answer) => this.#ran(answer),
      () => this.focus(),
    );
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      const named = this.#named();
      if (named) this.#choose(named);
      else this.#send();
    });
    byId("files").addEventListener("change", (event) => {
      this.#take(event.target.files);
      event.target.value = "";
    });
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("blur", () => this.#offer([]));
    this.#text.addEventListener("paste", (event) => this.#take(event.clipboardData.files));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#take(event.dataTransfer.files);
    });
  }

  focus() {
    this.#text.focus();
  }

  show(channel) {
    if (this.channel) this.#drafts.set(this.channel, this.#text.value);
    this.channel = channel;
    this.form.close();
    this.#reply = null;
    this.#text.value = this.#drafts.get(channel) ?? "";
    this.draw();
    this.#typed();
  }

  draw() {
    const channel = this.store.channel(this.channel);
    const isLocked = channel?.locked ?? true;
    this.#text.disabled = isLocked;
    this.#text.placeholder = isLocked ? "This thread is locked" : `Message ${this.store.channelName(this.channel)}`;
    const bits = [];
    if (this.#reply)
      bits.push(
        this.#bit(`Answers ${this.store.userName(this.store.message(this.#reply)?.author)}`, () => {
          this.#reply = null;
        }),
      );
    for (const file of this.#files)
      bits.push(
        this.#bit(`File: ${file.name}`, () => {
          this.#files = this.#files.filter((kept) => kept !== file);
        }),
      );
    byId("about").replaceChildren(...bits);
    byId("about").hidden = bits.length === 0;
  }

  reply(id) {
    this.#reply = id;
    this.draw();
    this.focus();
  }

  trouble(text) {
    byId("trouble").textContent = text ?? "";
    byId("trouble").hidden = !text;
  }

  #bit(words, drop) {
    const away = h(
      "button",
      {
        type: "button",
        "aria-label": `${words}: remove`,
        on: {
          click: () => {
            drop();
            this.draw();
            this.focus();
          },
        },
      },
      "✕",
    );
    return h("span", { class: "bit" }, words, away);
  }

  #take(files) {
    this.#files.push(...files);
    this.draw();
  }

  /** As if it were typed and sent, beside what stands there. */
  async say(text) {
    const answer = await act(this.store.who, "Say", { channel: this.channel, text, reply: null, files: [] });
    this.trouble(answer.error);
  }

  async #send() {
    const text = this.#text.value;
    if (!text.trim() && !this.#files.length) return;
    const files = await Promise.all(
      this.#files.map(async (file) => ({ name: file.name, type: file.type, data: await base64(file) })),
    );
    const said = { channel: this.channel, text: this.#mentioning(text), reply: this.#reply, files };
    this.#text.value = "";
    this.#files = [];
    this.#reply = null;
    this.#typed();
    this.draw();
    const answer = await act(this.store.who, "Say", said);
    this.trouble(answer.error);
    if (answer.error && !this.#text.value) {
      this.#text.value = text;
      this.#typed();
    }
  }

  /** "@Name" of somebody here becomes a mention. */
  #mentioning(text) {
    const users = this.store.users();
    return text.replace(/(^|\s)@(\w+)/g, (whole, before, name) => {
      const found = users.find((user) => user.name.toLowerCase() === name.toLowerCase());
      return found ? `${before}<@${found.id}>` : whole;
    });
  }

  // --- "/" offers the commands

  #typed() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, TALLEST_PX)}px`;
    const word = /^\/([\w -]*)$/.exec(this.#text.value)?.[1];
    this.#active = 0;
    this.#offer(word === undefined ? [] : offered(this.store.commands, word));
  }

  /** The command that is written out: the send button means it, since a phone has no Enter that takes what is offered. */
  #named() {
    const word = this.#text.value.trim();
    return offered(this.store.commands, word.slice(1)).find(({ path }) => word === `/${path}`);
  }

  #offer(found) {
    this.found = found;
    this.#offers.hidden = !found.length;
    this.#text.setAttribute("aria-expanded", String(found.length > 0));
    this.#offers.replaceChildren(
      ...found.map((command, index) => {
        const line = h(
          "div",
          { role: "option", id: `offer${index}`, "aria-selected": String(index === this.#active) },
          h("b", null, `/${command.path}`),
          h(
            "span",
            null,
            command.options.map((option) => h("code", null, option.name)),
          ),
          h("small", null, command.description),
        );
        line.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.#choose(command);
        });
        return line;
      }),
    );
    if (found.length) this.#text.setAttribute("aria-activedescendant", `offer${this.#active}`);
    else this.#text.removeAttribute("aria-activedescendant");
    this.#offers.children[this.#active]?.scrollIntoView({ block: "nearest" });
  }

  #choose(command) {
    this.#text.value = "";
    this.#typed();
    this.trouble(null);
    this.form.open(command, this.channel);
  }

  #ran(answer) {
    this.trouble(answer.error ?? (answer.failed ? "The application did not respond within 3 seconds." : null));
    if (!answer.error && !answer.failed) this.actions.answered(answer);
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.found.length && this.#offerKey(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey && !isTouch.matches) {
      event.preventDefault();
      this.#send();
    }
    if (event.key === "ArrowUp" && !this.#text.value) {
      event.preventDefault();
      this.actions.editLast();
    }
    if (event.key === "Escape" && this.#reply) {
      this.#reply = null;
      this.draw();
    }
  }

  #offerKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#active = (this.#active + step + this.found.length) % this.found.length;
      this.#offer(this.found);
      return true;
    }
    if (event.key === "Escape") this.#offer([]);
    else if (event.key === "Enter" || event.key === "Tab") this.#choose(this.found[this.#active]);
    else return false;
    return true;
  }
}
