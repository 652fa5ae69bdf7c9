// A field to choose one of many by typing a part of its name: a combobox as WAI-ARIA describes it.
"use strict";

/**
 * Give a text field a list of options.
 *
 * @param {HTMLInputElement} field - has an `aria-describedby` element of its own for what is wrong.
 * @param {{value: string, text: string, group: string, words: string, quiet?: boolean}[]} options -
 *   `words` are further names that find it, with bars between; a quiet one is offered only to who types.
 * @param {(value: string) => void} onChoice - told when the reader chose.
 * @returns {{value: () => string | null, set: (value: string) => void}} what is chosen; null when
 *   what stands in the field is no option, which the field then says.
 */
window.descentChoice = (field, options, onChoice = () => {}) => {
  const list = document.createElement("div");
  const wrong = document.getElementById(field.getAttribute("aria-describedby"));
  let shown = [], active = -1;

  list.id = `${field.id}-list`;
  list.className = "choice-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels[0].textContent);
  list.hidden = true;
  field.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) field.setAttribute(name, value);

  const plain = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/[\u0300-\u036f·:]/g, "");
  const offered = options.filter((option) => !option.quiet);
  const names = options.map((option) => plain(`${option.text} ${option.words}`));

  function matching(text) {
    const words = plain(text).split(/\s+/).filter(Boolean);
    return options.filter((_, i) => words.every((word) => names[i].includes(word)));
  }

  /** The option a text names: in full, by one of its other names, or as the only one it fits. */
  function named(text) {
    const wanted = plain(text).trim();
    if (!wanted) return null;
    const exact = options.find((option) =>
      [option.value, option.text, ...option.words.split("|")].some((name) => plain(name).trim() === wanted));
    const fitting = matching(text);
    return exact ?? (fitting.length === 1 ? fitting[0] : null);
  }

  function open(found) {
    list.replaceChildren();
    shown = found;
    let group = null, box = list;
    found.forEach((option, i) => {
      if (option.group !== group) {
        group = option.group;
        box = document.createElement("div");
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", group);
        const heading = document.createElement("div");
        heading.className = "choice-group";
        heading.setAttribute("aria-hidden", "true");
        heading.textContent = group;
        box.append(heading);
        list.append(box);
      }
      const item = document.createElement("div");
      item.id = `${list.id}-${i}`;
      item.className = "choice-option";
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = option.text;
      item.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the field
      item.addEventListener("click", () => choose(option));
      box.append(item);
    });
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    move(-1);
  }

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    move(-1);
  }

  function move(to) {
    const items = list.querySelectorAll("[role=option]");
    items[active]?.setAttribute("aria-selected", "false");
    active = to;
    if (items[active]) {
      items[active].setAttribute("aria-selected", "true");
      items[active].scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", items[active].id);
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }

  function say(problem) {
    wrong.textContent = problem;
    field.setAttribute("aria-invalid", String(problem !== ""));
  }

  function choose(option) {
    field.value = option.text;
    close();
    say("");
    onChoice(option.value);
  }

  function value() {
    const option = named(field.value);
    if (option) {
      say("");
      return option.value;
    }
    const near = matching(field.value).slice(0, 3).map((one) => one.text);
    if (!field.value.trim()) say("Choose one from the list.");
    else if (near.length) say(`“${field.value}” could be ${near.join(", or ")}. Choose one from the list.`);
    else say(`Nothing here is called “${field.value}”. Choose one from the list.`);
    return null;
  }

  field.addEventListener("input", () => open(matching(field.value)));
  field.addEventListener("click", () => {
    field.select();
    open(offered);
  });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) open(named(field.value) || !field.value ? offered : matching(field.value));
      move((active + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !list.hidden && (active >= 0 || shown.length === 1)) {
      event.preventDefault();
      choose(shown[Math.max(0, active)]);
    }
  });

  return {
    value,
    set: (wanted) => {
      const option = options.find((one) => one.value === wanted);
      field.value = option?.text ?? wanted;
      if (option) say("");
    },
  };
};
