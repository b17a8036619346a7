// Light colours for code. Every character stays: a diff keeps its + and −, so nothing is said by colour alone.

import { h } from "./dom.js";

const DIFF = [
  [/^(?:\+\+\+|---|diff |index )/, "file"],
  [/^@@/, "hunk"],
  [/^[+!]/, "added"],
  [/^-/, "removed"],
];
const HASH_COMMENTS = new Set([
  "py",
  "python",
  "sh",
  "bash",
  "shell",
  "zsh",
  "yaml",
  "yml",
  "toml",
  "rb",
  "ruby",
  "dockerfile",
  "ini",
  "makefile",
]);
const SLASH_COMMENTS = new Set([
  "js",
  "javascript",
  "ts",
  "typescript",
  "jsx",
  "tsx",
  "c",
  "cpp",
  "h",
  "java",
  "go",
  "rust",
  "rs",
  "css",
  "json",
  "kotlin",
  "swift",
  "php",
]);
const STRING = String.raw`"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`;
const WORDS =
  "and as async await break case catch class const continue def default do elif else enum except export extends " +
  "false finally fn for " +
  "from func function if impl import in interface is let match mod new nil none not null or pass pub public " +
  "private raise return self " +
  "static struct super switch then this throw true try type use var void while with yield fi done echo local " +
  "None True False";
const TOKENS = (comment) =>
  new RegExp(`(${comment})|(${STRING})|\\b(\\d[\\w.]*)\\b|\\b(${WORDS.split(" ").join("|")})\\b`, "gm");
const HASH = TOKENS("#.*$");
const SLASH = TOKENS("//.*$|/\\*[\\s\\S]*?\\*/");
const KINDS = ["comment", "string", "number", "word"];

/** Strings and spans that together are exactly `text`. */
export function highlighted(text, language) {
  if (language === "diff" || language === "patch") return diff(text);
  if (HASH_COMMENTS.has(language)) return tokens(text, HASH);
  return SLASH_COMMENTS.has(language) ? tokens(text, SLASH) : [text];
}

function diff(text) {
  return text.split("\n").map((line, index) => {
    const kind = DIFF.find(([pattern]) => pattern.test(line))?.[1];
    const whole = index ? `\n${line}` : line;
    return kind ? h("span", { class: `code-${kind}` }, whole) : whole;
  });
}

function tokens(text, pattern) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = KINDS[match.slice(1).findIndex((part) => part !== undefined)];
    found.push(text.slice(at, match.index), h("span", { class: `code-${kind}` }, match[0]));
    at = match.index + match[0].length;
  }
  return [...found, text.slice(at)];
}
