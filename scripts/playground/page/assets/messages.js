// The messages of one channel. Only what changed is drawn again, part by part; the place in the list stays.

import { byId, h, unseen } from "./dom.js";
import { markdown } from "./markdown.js";
import { component, embed, file } from "./parts.js";
import { act } from "./store.js";

const NAME_CHANGE = 4;
const STARTER = 21;
const SYSTEM = { 6: "pinned a message.", 7: "joined.", 18: "started a thread." };
const NEAR_END_PX = 60;
const GROUP_MS = 7 * 60 * 1000;

export class Messages {
  #drawn = new Map(); // id → {line, parts: name → its slot and key, from: items}
  #notes = new Map(); // id → what went wrong there
  #editing = null;
  #staysAtEnd = true;
  #log = byId("log");
  #list = byId("messages");
  channel = null;

  /** `actions`: open(channel, message), answered(result), reply(id), seen(). */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const sizes = new ResizeObserver(() => {
      if (this.#staysAtEnd) this.toEnd();
    }); // pictures and previews come later
    for (const watched of [this.#log, this.#list]) sizes.observe(watched);
    byId("jump").addEventListener("click", () => this.toEnd());
  }

  show(channel) {
    this.channel = channel;
    this.#editing = null;
    this.#list.replaceChildren();
    this.#drawn.clear();
    this.#staysAtEnd = true;
    this.draw();
  }

  /** Make the list what the store says. `isAll`: also look at messages that did not change themselves. */
  draw(isAll = true) {
    const ids = this.store.messages(this.channel);
    for (const [id, { line }] of this.#drawn) {
      if (ids.includes(id)) continue;
      line.remove();
      this.#drawn.delete(id);
    }
    let before = null;
    ids.forEach((id, index) => {
      const line = this.#current(id, ids[index - 1], isAll);
      const place = before ? before.nextSibling : this.#list.firstChild;
      if (line !== place) this.#list.insertBefore(line, place);
      before = line;
    });
    if (this.#staysAtEnd) this.toEnd();
    this.#scrolled();
  }

  isAtEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END_PX;
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  jumpTo(id) {
    const line = this.#drawn.get(id)?.line;
    if (!line) return;
    line.scrollIntoView({ block: "center" });
    line.focus({ preventScroll: true });
    line.classList.add("found");
    setTimeout(() => line.classList.remove("found"), 1500);
  }

  /** The person's own newest message, for the arrow-up key. */
  editLast() {
    const mine = this.store.messages(this.channel).filter((id) => this.#isOwn(id));
    if (mine.length) this.#edit(mine.at(-1));
  }

  #scrolled() {
    this.#staysAtEnd = this.isAtEnd();
    const unread = this.channel ? this.store.unread(this.channel) : 0;
    if (this.isAtEnd() && !document.hidden) {
      if (unread) this.actions.seen();
      byId("jump").hidden = true;
    } else {
      byId("jump").hidden = this.isAtEnd();
      byId("jump").textContent = unread ? `↓ ${unread} new` : "↓ Newest";
    }
  }

  // --- one message

  /** Its line, drawn again if it, the one before or what it answers is another one than when it was drawn. */
  #current(id, previous, isAll) {
    const item = this.store.message(id);
    const from = [item, this.store.message(previous), this.store.message(item.reply)];
    const known = this.#drawn.get(id);
    if (known && !isAll && from.every((each, index) => each === known.from[index])) return known.line;
    const line = this.#line(id, previous);
    this.#drawn.get(id).from = from;
    return line;
  }

  #line(id, previous) {
    const item = this.store.message(id);
    const known = this.#drawn.get(id) ?? this.#begin(id);
    const day = dayOf(item.at);
    const isNewDay = !previous || dayOf(this.store.message(previous).at) !== day;
    const isGrouped = !isNewDay && this.#continues(item, this.store.message(previous));
    const { line } = known;
    line.className = ["message", isGrouped && "grouped", item.pings && "pinged", item.ephemeral && "ephemeral"]
      .filter(Boolean)
      .join(" ");
    const part = (name, from, make) => this.#part(known, name, from, make);
    part("day", isNewDay && day, () => h("p", { class: "date" }, h("span", null, day)));
    if (item.type === NAME_CHANGE || SYSTEM[item.type]) {
      part("text", [item.type, item.content], () => this.#system(item));
      return line;
    }
    const shown = item.type === STARTER ? (this.store.message(item.reply) ?? item) : item;
    const reply = item.reply && item.type !== STARTER ? this.store.message(item.reply) : null;
    part("origin", [item.used, item.reply, reply?.content, item.type], () => this.#origin(item, reply));
    part("head", [isGrouped, shown.author, shown.at, this.store.userName(shown.author)], () =>
      this.#head(shown, isGrouped),
    );
    part(
      "text",
      [
        this.store.guild.me,
        shown.content,
        shown.edited,
        item.loading,
        this.#editing === id,
        this.#names(shown.content),
      ],
      () => this.#text(id, shown, item),
    );
    part("embeds", shown.embeds.length && shown.embeds, () => shown.embeds.map((found) => embed(found, this.look)));
    part("files", shown.files.length && shown.files, () => shown.files.map(file));
    part("components", shown.components.length && shown.components, () => this.#components(id, shown.components));
    part("reactions", shown.reactions.length && shown.reactions, () => shown.reactions.map(reaction));
    const thread = item.type !== STARTER && item.thread && this.store.channel(item.thread);
    part("thread", thread && [item.thread, thread.name, thread.count], () => this.#thread(item.thread, thread));
    part("note", this.#notes.get(id), () => h("p", { class: "note", role: "alert" }, `⚠ ${this.#notes.get(id)}`));
    part("private", item.ephemeral, () => this.#private(id));
    part(
      "menu",
      [this.store.guild.me, item.type === STARTER, item.ephemeral],
      () => item.type !== STARTER && !item.ephemeral && this.#menu(id),
    );
    return line;
  }

  #begin(id) {
    const line = h("li", { tabindex: -1, id: `m${id}` });
    const fresh = { line, parts: new Map() };
    this.#drawn.set(id, fresh);
    return fresh;
  }

  /** Draw a part again if what it is made from changed; the focus stays where it was, if that is still there. */
  #part({ line, parts }, name, from, make) {
    const key = JSON.stringify(from ?? null);
    const known = parts.get(name);
    if (known?.key === key) return;
    const slot = known?.slot ?? line.appendChild(h("div", { class: `part ${name}` }));
    const focused = slot.contains(document.activeElement) ? document.activeElement : null;
    const made = from ? make() : null;
    slot.replaceChildren(...[made].flat(Infinity).filter(Boolean));
    slot.hidden = !slot.hasChildNodes();
    parts.set(name, { key, slot });
    if (focused)
      (
        [...slot.querySelectorAll("[data-key]")].find((same) => same.dataset.key === focused.dataset.key) ?? line
      ).focus();
  }

  #continues(item, previous) {
    const isPlain = [0, 19].includes(previous.type) || previous.type === 20;
    return (
      isPlain &&
      item.type === 0 &&
      !item.used &&
      !item.ephemeral === !previous.ephemeral &&
      item.author === previous.author &&
      Date.parse(item.at) - Date.parse(previous.at) < GROUP_MS
    );
  }

  get look() {
    const { store } = this;
    return {
      me: store.guild.me,
      guild: store.guild.id,
      user: (id) => store.userName(id),
      channel: (id) => store.channelName(id),
      open: this.actions.open,
    };
  }

  /** Names that the text mentions: when one changes, the text is drawn again. */
  #names(text) {
    return [...text.matchAll(/<(@!?|#)(\d+)>|channels\/\d+\/(\d+)/g)].map((m) =>
      m[1] === "#" || m[3] ? this.store.channelName(m[2] ?? m[3]) : this.store.userName(m[2]),
    );
  }

  #head(item, isGrouped) {
    const at = new Date(item.at);
    const time = h(
      "time",
      { datetime: item.at, title: at.toLocaleString() },
      at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
    );
    const name = this.store.userName(item.author);
    if (isGrouped) return [unseen(`${name}, `), time];
    return [
      avatar(item.author, name),
      h("strong", { class: "name" }, name),
      " ",
      this.store.isBot(item.author) && [h("span", { class: "tag" }, "APP"), " "],
      time,
    ];
  }

  #origin(item, reply) {
    if (item.type === STARTER) return h("p", null, "The message that this thread was started from");
    if (item.used)
      return h("p", null, `${this.store.userName(item.used.by)} used `, h("b", null, `/${item.used.name}`));
    if (!item.reply) return null;
    if (!reply) return h("p", null, "↪ The message that this answers was deleted");
    const words = reply.content.replace(/\s+/g, " ").slice(0, 120) || "a message without text";
    return h(
      "button",
      { type: "button", class: "reply", on: { click: () => this.jumpTo(item.reply) } },
      `↪ @${this.store.userName(reply.author)}  `,
      h("span", null, words),
    );
  }

  #text(id, shown, item) {
    if (this.#editing === id) return this.#editor(id, shown.content);
    if (item.loading) return h("p", { class: "thinking" }, `${this.store.userName(shown.author)} is thinking…`);
    if (!shown.content) return null;
    const isBig = /^(?:\p{Extended_Pictographic}[\u200d\ufe0f\p{Extended_Pictographic}]*\s*){1,27}$/u.test(
      shown.content,
    );
    const edited =
      shown.edited && h("small", { class: "edited", title: new Date(shown.edited).toLocaleString() }, " (edited)");
    return h("div", { class: isBig ? "markdown big" : "markdown" }, markdown(shown.content, this.look), edited);
  }

  #system(item) {
    const name = h("strong", null, this.store.userName(item.author));
    if (item.type !== NAME_CHANGE) return h("p", { class: "system" }, "→ ", name, ` ${SYSTEM[item.type]}`);
    return h("p", { class: "system" }, "→ ", name, " changed the thread’s name: ", h("strong", null, item.content));
  }

  #thread(id, thread) {
    const count = thread.count === 1 ? "1 message" : `${thread.count} messages`;
    return h(
      "button",
      { type: "button", class: "to-thread", on: { click: () => this.actions.open(id) } },
      h("span", null, `↳ ${thread.name}`),
      h("b", null, `${count} ›`),
    );
  }

  #private(id) {
    const put = () => {
      this.store.dismiss(id);
      this.draw();
      byId("text").focus();
    };
    return h(
      "p",
      null,
      "Only you can see this · ",
      h("button", { type: "button", class: "plain", on: { click: put } }, "Dismiss message"),
    );
  }

  // --- clicking

  #components(id, components) {
    return components.map((part) =>
      component(part, this.look, (customId, values, element) => this.#press(id, customId, values, element)),
    );
  }

  async #press(id, customId, values, element) {
    if (element.getAttribute("aria-busy") === "true") return;
    element.setAttribute("aria-busy", "true");
    this.#note(id, null);
    const answer = await act(this.store.who, "Click", { message: id, custom_id: customId, values });
    element.removeAttribute("aria-busy");
    if (answer.error || answer.failed)
      this.#note(id, answer.error ?? "This interaction failed: no answer within 3 seconds");
    else this.actions.answered(answer);
  }

  #note(id, text) {
    if (text) this.#notes.set(id, text);
    else this.#notes.delete(id);
    if (this.store.message(id)?.channel === this.channel) this.draw();
  }

  // --- own messages

  #isOwn(id) {
    const item = this.store.message(id);
    return item.author === this.store.guild.me && [0, 19].includes(item.type) && !item.ephemeral;
  }

  #menu(id) {
    const tool = (label, run) => h("button", { type: "button", data: { key: label }, on: { click: run } }, label);
    const own = this.#isOwn(id) && [tool("Edit", () => this.#edit(id)), tool("Delete", () => this.#delete(id))];
    return h(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Message" },
      tool("Reply", () => this.actions.reply(id)),
      own,
    );
  }

  #edit(id) {
    this.#editing = id;
    this.draw();
    const box = this.#drawn.get(id)?.line.querySelector("textarea");
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  }

  #editor(id, text) {
    const box = h("textarea", {
      "aria-label": "Edit the message",
      rows: Math.min(12, text.split("\n").length + 1),
      maxlength: 4000,
    });
    box.value = text;
    const leave = () => {
      this.#editing = null;
      this.draw();
      byId("text").focus();
    };
    const save = async () => {
      if (!box.value.trim()) return this.#delete(id);
      const answer = box.value === text ? {} : await act(this.store.who, "Edit", { message: id, text: box.value });
      if (answer.error) return this.#note(id, answer.error);
      leave();
    };
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        leave();
      }
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      }
    });
    const plain = (words, run) => h("button", { type: "button", class: "small", on: { click: run } }, words);
    return h("div", { class: "editor" }, box, h("p", null, plain("Save", save), plain("Cancel", leave)));
  }

  async #delete(id) {
    if (!window.confirm("Delete this message?")) return;
    this.#editing = null;
    const answer = await act(this.store.who, "Delete", { message: id });
    if (answer.error) this.#note(id, answer.error);
    byId("text").focus();
  }
}

export function avatar(id, name) {
  const tone = [...id].reduce((sum, digit) => (sum * 31 + digit.charCodeAt(0)) % 997, 7) % 6;
  return h("span", { class: `avatar tone${tone}`, "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
}

const reaction = ([emoji, count]) => h("span", { class: "reaction" }, `${emoji} ${count}`);

function dayOf(at) {
  return new Date(at).toLocaleDateString(undefined, { year: "numeric", month: "long", day: "numeric" });
}
