// Slash commands: which fit what was typed, and the form for the options of one.

import { base64, byId, h } from "./dom.js";
import { act } from "./store.js";

const SUBCOMMAND = 1;
const GROUP = 2;
const BOOLEAN = 5;
const FILE = 11;
const COMPLETE_MS = 150;

/** Commands and subcommands whose name begins so, then those that hold it. */
export function offered(commands, word) {
  const wanted = word.trim().toLowerCase();
  const every = commands.flatMap((command) => leaves(command, command.name));
  const starts = every.filter(({ path }) => path.startsWith(wanted));
  return [...starts, ...every.filter(({ path }) => !path.startsWith(wanted) && path.includes(wanted))];
}

function leaves(node, path) {
  const inside = (node.options ?? []).filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
  if (inside.length) return inside.flatMap((option) => leaves(option, `${path} ${option.name}`));
  return [{ path, description: node.description, options: node.options ?? [] }];
}

export class CommandForm {
  #form = byId("command");

  /** `ran(answer)` after the command ran, `left()` after the form is gone. */
  constructor(store, ran, left) {
    this.store = store;
    this.ran = ran;
    this.left = left;
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#leave();
    });
  }

  open(command, channel) {
    this.command = command;
    this.channel = channel;
    this.fields = command.options.map((option) => this.#field(option));
    const run = h("button", { type: "submit", class: "button primary" }, "Run");
    const away = h(
      "button",
      { type: "button", class: "button secondary", on: { click: () => this.#leave() } },
      "Cancel",
    );
    const head = h("p", null, h("b", null, `/${command.path}`), " ", h("small", null, command.description));
    const body = h(
      "div",
      { class: "fields" },
      this.fields.map(({ box }) => box),
    );
    this.#form.replaceChildren(head, body, h("div", { class: "row" }, run, away));
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#run(run);
    };
    this.#form.hidden = false;
    byId("composer").hidden = true;
    (this.#form.querySelector("input, textarea, select") ?? run).focus();
  }

  close() {
    this.#form.hidden = true;
    byId("composer").hidden = false;
  }

  #leave() {
    this.close();
    this.left();
  }

  async #run(button) {
    button.disabled = true;
    const files = {};
    for (const { option, input } of this.fields) {
      const file = option.type === FILE && input.files[0];
      if (file) files[option.name] = { name: file.name, type: file.type, data: await base64(file) };
    }
    const answer = await act(this.store.who, "Run", {
      channel: this.channel,
      command: this.command.path,
      options: this.#values(),
      files,
    });
    button.disabled = false;
    if (!answer.error) this.#leave();
    this.ran(answer);
  }

  #values() {
    const given = this.fields.filter(({ option, input }) => option.type !== FILE && input.value !== "");
    return Object.fromEntries(given.map(({ option, input }) => [option.name, typed(option, input)]));
  }

  // --- fields

  #field(option) {
    const id = `option-${option.name}`;
    const input = this.#input(option, id);
    const list = option.autocomplete
      ? h("div", {
          class: "choices",
          role: "listbox",
          id: `${id}-choices`,
          "aria-label": `Choices for ${option.name}`,
          hidden: true,
        })
      : null;
    const words = [
      h("b", null, option.name),
      h("small", null, `${option.description ?? ""}${option.required ? " (required)" : " (optional)"}`),
    ];
    if (list) this.#complete(option, input, list);
    return { option, input, box: h("div", { class: "field" }, h("label", { for: id }, words), input, list) };
  }

  #input(option, id) {
    const common = { id, required: option.required, "aria-label": null };
    const one = (choices) =>
      h(
        "select",
        common,
        h("option", { value: "" }, "—"),
        choices.map(([value, name]) => h("option", { value }, name)),
      );
    if (option.choices?.length) return one(option.choices.map((choice) => [choice.value, choice.name]));
    switch (option.type) {
      case BOOLEAN:
        return one([
          ["true", "true"],
          ["false", "false"],
        ]);
      case 4:
      case 10:
        return h("input", {
          ...common,
          type: "number",
          step: option.type === 4 ? 1 : "any",
          min: option.min_value,
          max: option.max_value,
        });
      case 6:
      case 9:
        return one(this.store.users().map((user) => [user.id, user.name]));
      case 7:
        return one(this.store.channels().map((channel) => [channel.id, channel.name]));
      case FILE:
        return h("input", { ...common, type: "file" });
      default:
        return h("input", {
          ...common,
          type: "text",
          minlength: option.min_length,
          maxlength: option.max_length,
          autocomplete: "off",
        });
    }
  }

  /** Offer what the bot suggests while one types. */
  #complete(option, input, list) {
    let timer = 0;
    let asked = 0;
    let active = -1;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-controls", list.id);
    const hide = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
    };
    const pick = (line) => {
      input.value = line.dataset.value;
      asked += 1;
      hide();
    };
    const ask = async () => {
      const mine = (asked += 1);
      const options = { ...this.#values(), [option.name]: input.value };
      const answer = await act(this.store.who, "Complete", {
        channel: this.channel,
        command: this.command.path,
        focused: option.name,
        options,
      });
      if (mine !== asked || document.activeElement !== input) return;
      list.replaceChildren(
        ...(answer.choices ?? []).map((choice, index) => {
          const line = h(
            "div",
            { role: "option", id: `${list.id}-${index}`, "aria-selected": "false", data: { value: choice.value } },
            choice.name,
          );
          line.addEventListener("mousedown", (event) => {
            event.preventDefault();
            pick(line);
          });
          return line;
        }),
      );
      active = -1;
      list.hidden = !list.childElementCount;
      input.setAttribute("aria-expanded", String(!list.hidden));
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, COMPLETE_MS);
    });
    input.addEventListener("focus", ask);
    input.addEventListener("blur", hide);
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const lines = [...list.children];
      if (list.hidden) return;
      if (step) active = (active + step + lines.length) % lines.length;
      else if (event.key === "Escape") hide();
      else if (event.key === "Enter" && active >= 0) pick(lines[active]);
      else return;
      event.preventDefault();
      lines.forEach((line, index) => line.setAttribute("aria-selected", String(index === active)));
      if (active >= 0) {
        input.setAttribute("aria-activedescendant", lines[active].id);
        lines[active].scrollIntoView({ block: "nearest" });
      }
    });
  }
}

function typed(option, input) {
  if (option.type === BOOLEAN) return input.value === "true";
  return option.type === 4 || option.type === 10 ? Number(input.value) : input.value;
}
