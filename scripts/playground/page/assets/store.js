// What the person sees, as the server tells it, and what is derived from that.

import { compareIds } from "./dom.js";

const BUTTON = 2;
const LINK = 5;
const ONLY_SHOWS = /^tb:(show|s?diff):/; // of our bot's: what was asked, and what changed

export class Store {
  #items = new Map();
  #channels = new Map(); // channel id → ids of its messages, in order
  #source = null;
  #seen = new Map(); // `who channel` → the newest message that was seen
  #known = new Set(); // who has been looked through once
  who = "you";

  /** `changed(names, isFresh)` is called after each change; `lost(isLost)` when the connection ends and returns. */
  constructor(changed, lost) {
    this.changed = changed;
    this.lost = lost;
  }

  follow(who) {
    this.#source?.close();
    this.who = who;
    this.#source = new EventSource(`/events?as=${who}`);
    this.#source.onmessage = (event) => this.#take(JSON.parse(event.data));
    this.#source.onerror = () => this.lost(true);
    this.#source.onopen = () => this.lost(false);
  }

  #take({ items, gone, fresh }) {
    if (fresh) {
      this.#items.clear();
      this.#channels.clear();
    }
    for (const name of gone) this.#forget(name);
    for (const [name, item] of Object.entries(items)) this.#put(name, item);
    if (fresh && !this.#known.has(this.who)) this.#seeAll();
    this.changed(new Set([...Object.keys(items), ...gone]), fresh);
  }

  #put(name, item) {
    if (name.startsWith("message:") && !this.#items.has(name)) this.#insert(item.channel, name.slice(8));
    this.#items.set(name, item);
  }

  #insert(channel, id) {
    const ids = this.#channels.get(channel) ?? [];
    ids.push(id);
    if (ids.length > 1 && compareIds(ids.at(-2), id) > 0) ids.sort(compareIds);
    this.#channels.set(channel, ids);
  }

  #forget(name) {
    const item = this.#items.get(name);
    this.#items.delete(name);
    if (!name.startsWith("message:") || !item) return;
    const ids = this.#channels.get(item.channel);
    ids.splice(ids.indexOf(name.slice(8)), 1);
  }

  // --- looking

  get guild() {
    return this.#items.get("guild") ?? { id: "", name: "", me: "" };
  }
  get bot() {
    return this.#items.get("bot") ?? {};
  }
  get bridge() {
    return this.#items.get("bridge") ?? { runs: true, ending: "" };
  }
  get scene() {
    return this.#items.get("scene") ?? { prompts: [] };
  }
  get commands() {
    return this.#items.get("commands") ?? [];
  }
  channel(id) {
    return this.#items.get(`channel:${id}`);
  }
  message(id) {
    return this.#items.get(`message:${id}`);
  }
  messages(channel) {
    return (this.#channels.get(channel) ?? []).filter((id) => !this.isDismissed(id));
  }
  userName(id) {
    return this.#items.get(`user:${id}`)?.name ?? "unknown";
  }
  isBot(id) {
    return this.#items.get(`user:${id}`)?.bot ?? false;
  }
  typing(channel) {
    return this.#items.get("typing")?.[channel] ?? [];
  }

  users() {
    return this.#ids("user:").map((id) => ({ id, ...this.#items.get(`user:${id}`) }));
  }
  channels() {
    return this.#ids("channel:").map((id) => ({ id, ...this.channel(id) }));
  }

  channelName(id) {
    const channel = this.channel(id);
    return channel ? `${channel.thread ? "" : "#"}${channel.name}` : "#unknown";
  }

  #ids(kind) {
    return [...this.#items.keys()]
      .filter((name) => name.startsWith(kind))
      .map((name) => name.slice(kind.length))
      .sort(compareIds);
  }

  /** Whether something here can be answered, and pings the one who looks. */
  asks(channel) {
    return this.messages(channel).some((id) => this.message(id).pings && isOpen(this.message(id).components));
  }

  // --- what was seen

  unread(channel) {
    const seen = this.#seen.get(`${this.who} ${channel}`) ?? "0";
    return this.messages(channel).filter((id) => compareIds(id, seen) > 0 && this.message(id).author !== this.guild.me)
      .length;
  }

  see(channel) {
    const last = this.messages(channel).at(-1);
    if (last) this.#seen.set(`${this.who} ${channel}`, last);
  }

  #seeAll() {
    this.#known.add(this.who);
    for (const channel of this.#channels.keys()) this.see(channel);
  }

  // --- ephemeral messages are put away on this side only, as in Discord

  isDismissed(id) {
    return sessionStorage.getItem(`dismissed ${id}`) !== null;
  }
  dismiss(id) {
    sessionStorage.setItem(`dismissed ${id}`, "1");
  }
}

const isOpen = (components) =>
  components.some(
    (part) =>
      (part.custom_id && !part.disabled && !ONLY_SHOWS.test(part.custom_id) && !(part.type === BUTTON && part.style === LINK)) ||
      isOpen([...(part.components ?? []), ...(part.accessory ? [part.accessory] : [])]),
  );

/** Do something as `who`. What went wrong is in `error`, in words. */
export async function act(who, what, more) {
  try {
    const body = JSON.stringify({ do: what, as: who, ...more });
    const response = await fetch("/act", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return isJson ? await response.json() : { error: await response.text() };
  } catch {
    return { error: "The playground does not answer." };
  }
}
