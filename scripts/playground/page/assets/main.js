// The page: the list of channels beside the messages of one, and who one is.

import { Bridge } from "./bridge.js";
import { Composer } from "./composer.js";
import { byId, h, unseen } from "./dom.js";
import { avatar, Messages } from "./messages.js";
import { showModal } from "./modal.js";
import { Store } from "./store.js";

const isNarrow = window.matchMedia("(max-width: 760px)");
const STATUS = { online: "●", idle: "◐", dnd: "⊖", offline: "○" };
let here = null;
let sideKey = "";

// The token was exchanged for a cookie; it need not stay in the address and the history.
if (location.search) history.replaceState(null, "", "/" + location.hash);

const store = new Store(changed, (isLost) => {
  byId("lost").hidden = !isLost;
});
const answered = (answer) => {
  if (answer.modal) showModal(store.who, answer, answered);
};
const messages = new Messages(store, { open, answered, reply: (id) => composer.reply(id), seen });
const composer = new Composer(store, { answered, editLast: () => messages.editLast() });
const bridge = new Bridge(store, { say: (text) => composer.say(text), fails: (words) => composer.trouble(words) });

function changed(names, isFresh) {
  const has = (kind) => [...names].some((name) => name.startsWith(kind));
  if (!here || !store.channel(here)) return open(wanted());
  if (isFresh || has("message:") || has("channel:") || has("user:"))
    messages.draw(isFresh || has("channel:") || has("user:"));
  if (isFresh || has("channel:")) {
    title();
    composer.draw();
  }
  drawSide();
  drawTyping();
  bridge.draw(isEmpty());
}

const isEmpty = () => store.channels().every((channel) => store.messages(channel.id).length === 0);

/** The channel in the address if it is there, else the first. */
function wanted() {
  const asked = location.hash.slice(1);
  return store.channel(asked) ? asked : store.channels().find((channel) => !channel.thread)?.id;
}

function open(channel, message) {
  if (!channel || !store.channel(channel)) return;
  if (channel !== here) {
    here = channel;
    history.replaceState(null, "", `#${channel}`);
    messages.show(channel);
    composer.show(channel);
    store.see(channel);
    title();
    if (!isNarrow.matches) composer.focus();
  }
  shut();
  drawSide();
  drawTyping();
  bridge.draw(isEmpty());
  if (message) messages.jumpTo(message);
}

function seen() {
  store.see(here);
  drawSide();
}

function title() {
  const channel = store.channel(here);
  const up =
    channel.parent &&
    h(
      "button",
      { type: "button", class: "up", on: { click: () => open(channel.parent) } },
      store.channelName(channel.parent),
    );
  const sign = h("span", { class: "sign", "aria-hidden": "true" }, channel.thread ? "↳" : "#");
  byId("title").replaceChildren(...[up, up && h("span", { class: "then" }, " › "), sign, channel.name].filter(Boolean));
  const state = [channel.archived && "archived", channel.locked && "locked"].filter(Boolean).join(", ");
  byId("topic").textContent = state || channel.topic || "";
}

// --- the side

/** Only when something in it changed: a button that is replaced while it is pressed would lose the click. */
function drawSide() {
  const channels = store.channels();
  const key = JSON.stringify([
    here,
    store.guild,
    store.bot,
    channels.map(({ id, name, parent, archived }) => [id, name, parent, archived, store.unread(id), store.asks(id)]),
  ]);
  if (key === sideKey) return;
  sideKey = key;
  byId("guild-name").textContent = store.guild.name;
  const focused = document.activeElement?.dataset?.place;
  byId("places").replaceChildren(
    ...channels.filter((channel) => !channel.thread).map((channel) => section(channel, channels)),
  );
  if (focused)
    [...document.querySelectorAll("[data-place]")]
      .find((link) => link.dataset.place === focused)
      ?.focus({ preventScroll: true });
  drawPeople();
  const asking = channels.filter((channel) => store.asks(channel.id)).length;
  const unread = channels.filter((channel) => channel.id !== here && store.unread(channel.id)).length;
  byId("menu-mark").hidden = !(asking || unread);
  byId("menu-mark").replaceChildren(String(asking || unread), unseen(asking ? " ask you" : " unread"));
  byId("menu-mark").className = asking ? "asking" : "";
  document.title = `${asking ? `(${asking} ask) ` : ""}${store.channelName(here)} · Playground`;
}

function section(channel, channels) {
  const threads = channels.filter((thread) => thread.parent === channel.id).reverse();
  const active = threads.filter((thread) => !thread.archived);
  const old = threads.filter((thread) => thread.archived);
  return h(
    "div",
    { class: "section" },
    place(channel),
    h(
      "ul",
      null,
      active.map((thread) => h("li", null, place(thread))),
    ),
    old.length > 0 && h("p", { class: "fold" }, "Archived"),
    h(
      "ul",
      null,
      old.map((thread) => h("li", null, place(thread))),
    ),
  );
}

function place(channel) {
  const unread = channel.id === here ? 0 : store.unread(channel.id);
  const marks = [
    store.asks(channel.id) && h("span", { class: "asks" }, "asks you"),
    unread > 0 && !store.asks(channel.id) && h("span", { class: "unread" }, String(unread), unseen(" unread")),
  ];
  return h(
    "button",
    {
      type: "button",
      class: unread ? "place fresh" : "place",
      data: { place: channel.id },
      "aria-current": channel.id === here ? "page" : null,
      on: { click: () => open(channel.id) },
    },
    h("span", { class: "sign", "aria-hidden": "true" }, channel.thread ? "↳" : "#"),
    h("span", { class: "words", title: channel.name }, channel.name),
    marks,
  );
}

function drawPeople() {
  const { bot } = store;
  const status = bot.online ? bot.status : "offline";
  byId("people").replaceChildren(
    h(
      "div",
      { class: "person" },
      avatar(bot.id ?? "0", store.userName(bot.id)),
      h(
        "div",
        null,
        h("strong", null, store.userName(bot.id), " ", h("span", { class: "tag" }, "APP")),
        h(
          "small",
          { class: `status ${status}` },
          h("span", { "aria-hidden": "true" }, STATUS[status] ?? "●"),
          ` ${[status, bot.activity].filter(Boolean).join(" · ")}`,
        ),
      ),
    ),
  );
}

function drawTyping() {
  const names = store.typing(here);
  byId("typing").textContent = names.length ? `${names.join(", ")} is typing…` : "";
}

// --- on a phone the side is a drawer

function shut() {
  document.body.classList.remove("drawer");
  byId("menu").setAttribute("aria-expanded", "false");
}

function pull(focused) {
  document.body.classList.add("drawer");
  byId("menu").setAttribute("aria-expanded", "true");
  document.querySelector(focused)?.focus();
}

byId("menu").addEventListener("click", () => pull("[aria-current=page]"));
byId("as").addEventListener("click", () => pull("#who input:checked"));
byId("close").addEventListener("click", () => {
  shut();
  byId("menu").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("drawer")) {
    shut();
    byId("menu").focus();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && here) messages.draw();
});
document.addEventListener("pointerdown", (event) => {
  for (const box of document.querySelectorAll("details.select[open]"))
    if (!box.contains(event.target)) box.open = false;
});
byId("who").addEventListener("change", (event) => {
  byId("modal").close();
  document.body.dataset.who = event.target.value;
  sessionStorage.setItem("who", event.target.value);
  store.follow(event.target.value);
});

const who = sessionStorage.getItem("who") === "mallory" ? "mallory" : "you";
document.querySelector(`#who input[value=${who}]`).checked = true;
document.body.dataset.who = who;
store.follow(who);
