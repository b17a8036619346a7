// A form that the bot shows (a modal): inputs with their labels, sent as one.

import { byId, h } from "./dom.js";
import { act } from "./store.js";

const TEXT = 10;
const LABEL = 18;
let serial = 0;

/** Show it; when it is sent, the bot's answer goes to `answered`. */
export function showModal(who, { modal, interaction }, answered) {
  const dialog = byId("modal");
  const inputs = [];
  const trouble = h("p", { class: "note", role: "alert", hidden: true });
  const cancel = h(
    "button",
    { type: "button", class: "button secondary", on: { click: () => dialog.close() } },
    "Cancel",
  );
  const submit = h("button", { type: "submit", class: "button primary" }, "Submit");
  const form = h(
    "form",
    { novalidate: true },
    h("h2", { id: "modal-title" }, modal.title),
    modal.components.map((part) => field(part, inputs)),
    trouble,
    h("div", { class: "row" }, cancel, submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    submit.disabled = true;
    const values = Object.fromEntries(inputs.map(([name, read]) => [name, read()]));
    const answer = await act(who, "Submit", { interaction, values });
    submit.disabled = false;
    trouble.hidden = !(answer.error || answer.failed);
    trouble.textContent = answer.error ?? "Something went wrong: no answer within 3 seconds. Try again.";
    if (!trouble.hidden) return;
    dialog.close();
    answered(answer);
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  form.querySelector("input, textarea, select")?.focus();
}

function field(part, inputs) {
  if (part.type === TEXT) return h("p", null, part.content);
  if (part.type === LABEL) return labelled(part.component, part.label, part.description, inputs);
  return (part.components ?? []).map((inside) => labelled(inside, inside.label, null, inputs));
}

function labelled(part, label, description, inputs) {
  const id = `field${(serial += 1)}`;
  const isRequired = part.required ?? true;
  const words = [
    label,
    isRequired && h("span", { class: "required" }, " (required)"),
    description && h("small", null, description),
  ];
  const [made, read] = input(part, id, isRequired);
  inputs.push([part.custom_id, read]);
  if (made.tagName === "FIELDSET") {
    made.prepend(h("legend", null, words));
    return made;
  }
  return h("div", { class: "field" }, h("label", { for: id }, words), made);
}

/** The element, and how its value is read. */
function input(part, id, isRequired) {
  const common = { id, required: isRequired };
  switch (part.type) {
    case 4: {
      const props = {
        ...common,
        placeholder: part.placeholder,
        minlength: part.min_length,
        maxlength: part.max_length ?? 4000,
      };
      const made =
        part.style === 2
          ? h("textarea", { ...props, rows: 4 })
          : h("input", { ...props, type: "text", autocomplete: "off" });
      made.value = part.value ?? "";
      return [made, () => made.value];
    }
    case 23: {
      const made = h("input", { id, type: "checkbox", checked: part.default });
      return [made, () => made.checked];
    }
    default:
      return choices(part, id);
  }
}

function choices(part, id) {
  const isSingle = part.type === 21 || (part.type === 3 && (part.max_values ?? 1) === 1);
  const made = h(
    "fieldset",
    { id },
    (part.options ?? []).map((option) =>
      h(
        "label",
        { class: "option" },
        h("input", { type: isSingle ? "radio" : "checkbox", name: id, value: option.value, checked: option.default }),
        h("span", null, option.label, option.description && h("small", null, option.description)),
      ),
    ),
  );
  return [made, () => [...made.querySelectorAll("input:checked")].map((checked) => checked.value)];
}
