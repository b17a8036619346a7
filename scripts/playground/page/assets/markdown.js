// Discord's Markdown: text → nodes → elements. It follows what Discord's clients show, not CommonMark.

import { h } from "./dom.js";
import { highlighted } from "./highlight.js";

const MOST_DEPTH = 10;

/** Nodes are strings or `{is, inside, …}`. */
export function parse(text) {
  return nodes(text.replace(/\r\n?/g, "\n"), { depth: 0, block: true, quoted: false });
}

// Each rule: a sticky pattern, where it applies, and what a match becomes. The first that matches wins.
const BLOCKS = [
  [/(#{1,3}) +([^\n]+?) *(?:\n|$)/y, (m, s) => ({ is: "heading", level: m[1].length, inside: inner(m[2], s) })],
  [/-# +([^\n]+)(?:\n|$)/y, (m, s) => ({ is: "subtext", inside: inner(m[1], s) })],
  [/>>> ([\s\S]*)/y, (m, s) => (s.quoted ? null : quote(m[1], s))],
  [/(?:> [^\n]*(?:\n|$))+/y, (m, s) => (s.quoted ? null : quote(m[0].replace(/^> /gm, "").replace(/\n$/, ""), s))],
];
const INLINE = [
  [/\\([^0-9A-Za-z\s])/y, (m) => m[1]],
  [/<(https?:\/\/[^\s<>]+)>/y, (m) => link(m[1], [m[1]])],
  [/<@!?(\d+)>/y, (m) => ({ is: "user", id: m[1] })],
  [/<@&(\d+)>/y, () => ({ is: "mention", inside: ["@role"] })],
  [/<#(\d+)>/y, (m) => ({ is: "channel", id: m[1] })],
  [/<\/([\w -]{1,98}):\d+>/y, (m) => ({ is: "mention", inside: [`/${m[1]}`] })],
  [/<a?(:\w+:)\d+>/y, (m) => m[1]],
  [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y, (m) => ({ is: "time", seconds: Number(m[1]), style: m[2] ?? "f" })],
  [/@(everyone|here)\b/y, (m) => ({ is: "mention", inside: [m[0]] })],
  [
    /\[((?:\\.|[^[\]\\\n]|\[[^[\]\n]*\])+)\]\(<?(https?:\/\/[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?: +"[^"\n]*")?\)/y,
    (m, s) => link(m[2], inner(m[1], s)),
  ],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])*_~|`!?]/y, (m) => link(m[0], [m[0]])],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (m) => ({ is: "code", text: m[2].replace(/^ (.*[^ ].*) $|^ (?=`)|(?<=`) $/s, "$1") })],
  [/~~([\s\S]+?)~~(?!_)/y, (m, s) => ({ is: "strike", inside: inner(m[1], s) })],
  [/\|\|([\s\S]+?)\|\|/y, (m, s) => ({ is: "spoiler", inside: inner(m[1], s) })],
];
// Of these the longest match wins, of equal ones the first (simple-markdown, "quality", which Discord's clients use).
const STYLES = [
  [/\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y, (m, s) => emphasis(m, s)],
  [/_((?:__|\\[\s\S]|[^\\_])+?)_(?![0-9A-Za-z_])/y, (m, s) => emphasis(m, s)],
  [/\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y, (m, s) => ({ is: "strong", inside: inner(m[1], s) })],
  [/__((?:\\[\s\S]|[^\\])+?)__(?!_)/y, (m, s) => ({ is: "under", inside: inner(m[1], s) })],
];
const FENCE = /```(?:([\w+\-.#]+)\n)?\n*([^\n][\s\S]*?)\n*```\n?/y;
const TEXT = /[\s\S]+?(?=[^0-9A-Za-z\s\u00c0-\uffff]|\n|https?:\/\/|$)/y;
const ITEM = /^( *)([-*]|\d{1,9}\.) +(.*)$/;

function nodes(source, state) {
  const found = [];
  for (let at = 0; at < source.length;) {
    const [node, end] = next(source, at, state);
    if (typeof node === "string" && typeof found.at(-1) === "string") found[found.length - 1] += node;
    else found.push(node);
    at = end;
  }
  return found;
}

function next(source, at, state) {
  const fence = matched(FENCE, source, at);
  if (fence) return [{ is: "fence", language: (fence[1] ?? "").toLowerCase(), text: fence[2] }, at + fence[0].length];
  if (state.depth < MOST_DEPTH) {
    const startsLine = state.block && (at === 0 || source[at - 1] === "\n");
    const found =
      (startsLine && (list(source, at, state) ?? first(BLOCKS, source, at, state))) ||
      first(INLINE, source, at, state) ||
      longest(source, at, state);
    if (found) return found;
  }
  const text = matched(TEXT, source, at);
  return [text[0], at + text[0].length];
}

function first(rules, source, at, state) {
  for (const [pattern, make] of rules) {
    const match = matched(pattern, source, at);
    const node = match && make(match, state);
    if (node) return [node, at + match[0].length];
  }
  return null;
}

function longest(source, at, state) {
  const matches = STYLES.map(([pattern, make]) => [matched(pattern, source, at), make]).filter(([match]) => match);
  if (!matches.length) return null;
  const [match, make] = matches.reduce((best, other) => (other[0][0].length > best[0][0].length ? other : best));
  return [make(match, state), at + match[0].length];
}

function matched(pattern, source, at) {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

const inner = (text, state) => nodes(text, { ...state, depth: state.depth + 1, block: false });
const emphasis = (m, s) => ({ is: "em", inside: inner(m[1], s) });
const quote = (text, s) => ({ is: "quote", inside: nodes(text, { depth: s.depth + 1, block: true, quoted: true }) });
const link = (url, inside) => ({ is: "link", url, inside });

/** Lines of items and what is indented below them, as a list; deeper items become lists inside. */
function list(source, at, state) {
  if (!ITEM.test(source.slice(at, lineEnd(source, at)))) return null;
  const items = [];
  let depth = null;
  let end = at;
  while (end < source.length) {
    const stop = lineEnd(source, end);
    const line = source.slice(end, stop);
    const item = ITEM.exec(line);
    if (item && (depth === null || item[1].length <= depth)) {
      if (depth !== null && item[1].length < depth) break;
      depth = item[1].length;
      items.push({ mark: item[2], lines: [item[3]] });
    } else if (items.length && (hasOpenFence(items.at(-1)) || (/^ +\S/.test(line) && indent(line) > depth))) {
      items.at(-1).lines.push(line.slice(Math.min(indent(line), depth + 2)));
    } else break;
    end = stop + 1;
  }
  return [listNode(items, state), Math.min(end, source.length)];
}

function listNode(items, state) {
  const inside = items.map(({ lines }) => nodes(lines.join("\n"), { ...state, depth: state.depth + 1, block: true }));
  const isOrdered = /\d/.test(items[0].mark);
  return { is: "list", start: isOrdered ? Number.parseInt(items[0].mark, 10) : null, inside };
}

const hasOpenFence = (item) => item.lines.join("\n").split("```").length % 2 === 0;
const indent = (line) => line.length - line.trimStart().length;
const lineEnd = (source, at) => (source.indexOf("\n", at) + 1 || source.length + 1) - 1;

// --- elements

/** Elements for nodes. `look` knows names: `user(id)`, `channel(id)`, and `open(channel, message)` goes there. */
export function drawn(found, look) {
  return found.map((node) => (typeof node === "string" ? node : DRAW[node.is](node, look)));
}

export const markdown = (text, look) => drawn(parse(text), look);

const plain = (tag, name) => (node, look) => h(tag, name ? { class: name } : null, drawn(node.inside, look));
const DRAW = {
  strong: plain("strong"),
  em: plain("em"),
  under: plain("u"),
  strike: plain("s"),
  quote: plain("blockquote"),
  subtext: plain("small", "subtext"),
  mention: plain("span", "mention"),
  heading: (node, look) =>
    h("p", { class: `h${node.level}`, role: "heading", "aria-level": node.level + 2 }, drawn(node.inside, look)),
  code: (node) => h("code", null, node.text),
  fence: (node) =>
    h("pre", { data: { language: node.language } }, h("code", null, highlighted(node.text, node.language))),
  list: (node, look) => {
    const items = node.inside.map((inside) => h("li", null, drawn(inside, look)));
    return h(node.start === null ? "ul" : "ol", { start: node.start }, items);
  },
  user: (node, look) => h("span", { class: look.me === node.id ? "mention me" : "mention" }, `@${look.user(node.id)}`),
  channel: (node, look) => jump(look.channel(node.id), () => look.open(node.id)),
  link: (node, look) => linked(node, look),
  spoiler: (node, look) => spoiler(drawn(node.inside, look)),
  time: (node) => {
    const date = new Date(node.seconds * 1000);
    if (Number.isNaN(date.getTime())) return "Invalid date";
    return h(
      "time",
      { class: "stamp", datetime: date.toISOString(), title: date.toLocaleString() },
      timeText(date, node.style),
    );
  },
};

const jump = (text, act) => h("button", { type: "button", class: "mention", on: { click: act } }, text);

/** Links lead out of the page; those to a channel or message of this guild lead within. */
function linked(node, look) {
  let url;
  try {
    url = new URL(node.url);
  } catch {
    return h("span", null, drawn(node.inside, look));
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return h("span", null, drawn(node.inside, look));
  const here = /^https:\/\/discord\.com\/channels\/(\d+)\/(\d+)(?:\/(\d+))?$/.exec(node.url);
  if (here && look.guild === here[1]) {
    const isBare = node.inside.length === 1 && node.inside[0] === node.url;
    const words = isBare ? [look.channel(here[2]), here[3] ? " › message" : ""] : drawn(node.inside, look);
    return jump(words, () => look.open(here[2], here[3]));
  }
  const safe = { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: url.href };
  return h("a", safe, drawn(node.inside, look));
}

function spoiler(inside) {
  const content = h("span", { class: "inside", "aria-hidden": "true", inert: true }, inside);
  const cover = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": "Spoiler: show" }, content);
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    cover.replaceWith(h("span", { class: "spoiler shown" }, [...content.childNodes]));
  };
  cover.addEventListener("click", show);
  cover.addEventListener("keydown", show);
  return cover;
}

function timeText(date, style) {
  if (style === "R") return relative((date.getTime() - Date.now()) / 1000);
  const time = { t: "short", T: "medium", f: "short", F: "short" }[style];
  const day = { d: "short", D: "long", f: "long", F: "full" }[style];
  return new Intl.DateTimeFormat(undefined, { timeStyle: time, dateStyle: day }).format(date);
}

function relative(seconds) {
  const units = [
    ["year", 31536000],
    ["month", 2592000],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, length] = units.find(([, each]) => Math.abs(seconds) >= each) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / length), unit);
}
