// The parts of a message below its text: embeds, files, components.

import { h, size } from "./dom.js";
import { markdown } from "./markdown.js";

const PREVIEW_BYTES = 64 * 1024;
const PREVIEW_LINES = 8;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const TEXT_NAMES = /\.(txt|md|diff|patch|sh|py|js|ts|json|toml|yaml|yml|csv|log|html|css|c|h|rs|go|java|sql|xml|ini)$/i;

// --- embeds

export function embed(found, look) {
  const box = h("article", { class: "embed" });
  if (typeof found.color === "number") box.style.setProperty("--bar", color(found.color));
  const fields = (found.fields ?? []).map((field) =>
    h(
      "div",
      { class: field.inline ? "field inline" : "field" },
      h("strong", null, markdown(String(field.name), look)),
      h("div", { class: "markdown" }, markdown(String(field.value), look)),
    ),
  );
  box.append(
    ...[
      found.author?.name && h("p", { class: "embed-author" }, found.author.name),
      found.title &&
        h(
          "p",
          { class: "embed-title" },
          found.url ? markdown(`[${found.title}](${found.url})`, look) : markdown(found.title, look),
        ),
      found.description && h("div", { class: "markdown" }, markdown(found.description, look)),
      fields.length > 0 && h("div", { class: "fields" }, fields),
      (found.footer?.text || found.timestamp) &&
        h(
          "p",
          { class: "embed-footer" },
          [found.footer?.text, found.timestamp && new Date(found.timestamp).toLocaleString()]
            .filter(Boolean)
            .join(" • "),
        ),
    ].filter(Boolean),
  );
  return box;
}

const color = (number) => `#${(number & 0xffffff).toString(16).padStart(6, "0")}`;

// --- files

export function file(found) {
  if (/^image\/(png|jpeg|gif|webp)$/.test(found.type)) {
    const image = h("img", { src: found.url, alt: found.about || found.name, loading: "lazy" });
    return h("a", { class: "image", href: found.url, target: "_blank", rel: "noopener" }, image);
  }
  const name = h("a", { href: found.url, download: found.name }, found.name);
  const box = h("div", { class: "file" }, h("p", null, name, h("small", null, size(found.size))));
  const isText = /^text\/|json|xml/.test(found.type) || TEXT_NAMES.test(found.name);
  if (isText && found.size <= PREVIEW_BYTES) preview(found, box);
  return box;
}

/** The first lines of a text, and all of them on demand. */
async function preview(found, box) {
  const response = await fetch(found.url).catch(() => null);
  if (!response?.ok) return;
  const text = (await response.text()).replace(/\n$/, "");
  const lines = text.split("\n");
  const few = lines.slice(0, PREVIEW_LINES).join("\n");
  const language = (/\.(\w+)$/.exec(found.name)?.[1] ?? "").toLowerCase();
  const { highlighted } = await import("./highlight.js");
  const code = h("code", null, highlighted(few, language));
  box.append(h("pre", { class: "preview" }, code));
  if (lines.length <= PREVIEW_LINES) return;
  const more = h(
    "button",
    { type: "button", class: "small", "aria-expanded": "false" },
    `Show all ${lines.length} lines`,
  );
  more.addEventListener("click", () => {
    const isOpen = more.getAttribute("aria-expanded") === "true";
    code.replaceChildren(...highlighted(isOpen ? few : text, language));
    more.setAttribute("aria-expanded", String(!isOpen));
    more.textContent = isOpen ? `Show all ${lines.length} lines` : "Show less";
  });
  box.append(more);
}

// --- components. `press(custom_id, values, element)` clicks or picks.

export function component(part, look, press) {
  const inside = () => (part.components ?? []).map((child) => component(child, look, press));
  switch (part.type) {
    case 1:
      return h("div", { class: "row" }, inside());
    case 2:
      return button(part, press);
    case 3:
      return select(part, press);
    case 9:
      return h(
        "div",
        { class: "section" },
        h("div", null, inside()),
        part.accessory && component(part.accessory, look, press),
      );
    case 10:
      return h("div", { class: "markdown" }, markdown(part.content, look));
    case 14:
      return h("hr", part.divider === false ? { class: "bare" } : null);
    case 17:
      return container(part, inside());
    case 11:
    case 12:
    case 13:
      return h("p", { class: "subtext" }, mediaName(part));
    default:
      return h("p", { class: "subtext" }, `(a component of type ${part.type}, which this page does not show)`);
  }
}

function container(part, inside) {
  const box = h("div", { class: "embed container" }, inside);
  if (typeof part.accent_color === "number") box.style.setProperty("--bar", color(part.accent_color));
  return box;
}

const mediaName = (part) =>
  String((part.file ?? part.media ?? part.items?.[0]?.media)?.url ?? "").replace("attachment://", "shows the file ");

const emoji = (part) => (part.emoji?.name ? `${part.emoji.name} ` : "");

function button(part, press) {
  const words = [emoji(part), part.label ?? ""];
  if (part.style === 5) {
    const isWeb = /^https?:\/\//.test(part.url ?? "");
    return h(
      "a",
      { class: "button link", href: isWeb ? part.url : null, target: "_blank", rel: "noopener noreferrer" },
      words,
      " ↗",
    );
  }
  const made = h(
    "button",
    {
      type: "button",
      class: `button ${STYLES[part.style] ?? "secondary"}`,
      disabled: part.disabled,
      data: { key: part.custom_id },
    },
    words,
  );
  made.addEventListener("click", () => press(part.custom_id, null, made));
  return made;
}

/** One value is picked by a press; several are marked and then sent. */
function select(part, press) {
  const least = part.min_values ?? 1;
  const most = part.max_values ?? 1;
  const isSingle = least === 1 && most === 1;
  const title = part.placeholder || "Make a selection";
  const box = h("details", { class: "select", data: { key: part.custom_id } });
  const chosen = (part.options ?? []).filter((option) => option.default).map((option) => option.label);
  box.append(h("summary", { "aria-disabled": part.disabled ? "true" : null }, chosen.join(", ") || title));
  if (part.disabled) box.addEventListener("click", (event) => event.preventDefault());
  const send = (values) => {
    box.open = false;
    press(part.custom_id, values, box);
  };
  const options = (part.options ?? []).map((option) =>
    isSingle ? choice(option, () => send([option.value])) : mark(option),
  );
  const list = h("div", { class: "options", role: "group", "aria-label": title }, options);
  if (!isSingle) list.append(sender(list, least, most, send));
  box.append(list);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && box.open) {
      box.open = false;
      box.firstChild.focus();
    }
  });
  box.addEventListener("focusout", (event) => {
    if (isSingle && event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  return box;
}

const told = (option) => [
  h("span", null, emoji(option), option.label),
  option.description && h("small", null, option.description),
];
const choice = (option, act) => h("button", { type: "button", class: "option", on: { click: act } }, told(option));
const mark = (option) =>
  h(
    "label",
    { class: "option" },
    h("input", { type: "checkbox", value: option.value, checked: option.default }),
    h("span", null, told(option)),
  );

function sender(list, least, most, send) {
  const picked = () => [...list.querySelectorAll("input:checked")].map((input) => input.value);
  const done = h("button", { type: "button", class: "button primary", on: { click: () => send(picked()) } });
  const count = () => {
    const { length } = picked();
    done.disabled = length < least || length > most;
    done.textContent = done.disabled
      ? `Pick ${least === most ? least : `${least} to ${most}`} (${length} picked)`
      : `Send ${length} picked`;
  };
  list.addEventListener("change", count);
  count();
  return done;
}
