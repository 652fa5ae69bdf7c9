// The search of the page of resources. Without it the page is a list; nothing is fetched.
"use strict";

(() => {
  const FIELDS = ["words", "kind", "level", "hours", "chapter"];

  /** Words without accents and case; `study/resources/search.py` has the same rule. */
  function plainWords(text) {
    const letters = text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
    return letters.match(/[\p{L}\p{N}]+/gu) ?? [];
  }

  const textOf = (entry, part) => entry.querySelector(`.${part}`)?.textContent ?? "";

  /** What can be asked of one resource, read from its place in the list. */
  function read(element) {
    const minutes = /minutes-(\d+)/.exec(element.querySelector(".hours")?.className ?? "");
    const heading = element.closest("section").querySelector("h2");
    const address = element.querySelector("a").href; // of the resource; those of chapters come after
    const subjects = [...element.classList].filter((name) => name.startsWith("on-")).map((name) => name.slice(3));
    return {
      element,
      kind: textOf(element, "kind"),
      level: textOf(element, "level"),
      hours: minutes ? Number(minutes[1]) / 60 : null,
      chapters: textOf(element, "chapters").replace(/^Enters at /, "").split(", "),
      words: plainWords([element.textContent, heading.textContent, address, ...subjects].join(" ")),
    };
  }

  function answers(entry, asked) {
    const hours = Number(asked.hours);
    return plainWords(asked.words).every((part) => entry.words.some((word) => word.startsWith(part)))
      && (!asked.kind || entry.kind === asked.kind)
      && (!asked.level || entry.level === asked.level)
      && (!(hours > 0) || (entry.hours !== null && entry.hours <= hours))
      && (!asked.chapter || entry.chapters.includes(asked.chapter));
  }

  function labelled(text, control) {
    const label = document.createElement("label");
    label.append(Object.assign(document.createElement("span"), { textContent: text }), control);
    return label;
  }

  function choice(name, all, values) {
    const select = Object.assign(document.createElement("select"), { name });
    select.append(new Option(all, ""), ...values.map((value) => new Option(value, value)));
    return select;
  }

  function input(name, type, rest = {}) {
    return Object.assign(document.createElement("input"), { name, type, autocomplete: "off", ...rest });
  }

  function makeForm(place) {
    const values = (name) => JSON.parse(place.dataset[name]);
    const form = document.createElement("form");
    form.setAttribute("role", "search");
    form.setAttribute("aria-label", "Resources");
    form.append(
      labelled("Words", input("words", "search", { placeholder: "title, author, subject" })),
      labelled("Kind", choice("kind", "any kind", values("kinds"))),
      labelled("Level", choice("level", "any level", values("levels"))),
      labelled("Hours you have", input("hours", "number", { min: "0.25", step: "any", placeholder: "any" })),
      labelled("Chapter", choice("chapter", "any chapter", values("chapters"))),
    );
    return form;
  }

  /** The choices in an address: `#kind=book&hours=10`. An anchor of a heading is none. */
  function fromAddress() {
    const found = new URLSearchParams(window.location.hash.includes("=") ? window.location.hash.slice(1) : "");
    return Object.fromEntries(FIELDS.map((name) => [name, found.get(name) ?? ""]));
  }

  function intoAddress(asked) {
    const chosen = new URLSearchParams(FIELDS.filter((name) => asked[name]).map((name) => [name, asked[name]]));
    const { pathname, search, hash } = window.location;
    if (chosen.size || hash.includes("=")) {
      window.history.replaceState(null, "", `${pathname}${search}${chosen.size ? `#${chosen}` : ""}`);
    }
  }

  function start(place) {
    const entries = [...document.querySelectorAll("div.resource")].map(read);
    const groups = [...new Set(entries.map(({ element }) => element.closest("section")))];
    const form = makeForm(place);
    const count = document.createElement("p");
    count.setAttribute("role", "status");
    form.append(count, Object.assign(document.createElement("button"), { type: "reset", textContent: "Clear" }));
    place.append(form);

    const asked = () => Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value.trim()]));

    function show() {
      const wanted = asked();
      const found = entries.filter((entry) => {
        entry.element.hidden = !answers(entry, wanted);
        return !entry.element.hidden;
      });
      for (const group of groups) group.hidden = !group.querySelector("div.resource:not([hidden])");
      const none = found.length ? "" : " Nothing answers to all of that: ask for less, or clear.";
      count.textContent = `${found.length} of ${entries.length} resources.${none}`;
    }

    function takeAddress() {
      if (window.location.hash && !window.location.hash.includes("=")) return showAnchor();
      for (const [name, value] of Object.entries(fromAddress())) form.elements[name].value = value;
      show();
    }

    /** A link to one resource, or to a heading, leads to it whatever was chosen before. */
    function showAnchor() {
      form.reset();
      show();
      document.getElementById(decodeURIComponent(window.location.hash.slice(1)))?.scrollIntoView();
    }

    function change() {
      intoAddress(asked());
      show();
    }

    form.addEventListener("input", change);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => window.setTimeout(change)); // the fields are emptied after it
    window.addEventListener("hashchange", takeAddress);
    show();
    takeAddress();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("#resource-search");
    if (place) start(place);
  });
})();
