// Sets up every copy of a figure on the page that is not yet set up. Plain JavaScript, no network.
"use strict";
(function (figure, plotting, make) {
  function element(tag, attributes, parent, text) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  }

  const colour = (root, name) => getComputedStyle(root).getPropertyValue("--figure-" + name).trim();

  // A canvas must be painted again when its width changes, or light becomes dark.
  function whenLookChanges(root, paint) {
    let width = 0;
    new ResizeObserver(() => {
      if (root.clientWidth !== width) { width = root.clientWidth; paint(); }
    }).observe(root);
    const themes = new MutationObserver(paint);
    for (const node of [document.documentElement, document.body]) {
      themes.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
    }
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  }

  // A canvas under its caption, side by side with the next where there is room. What a screen reader says is `description`.
  function panel(parent, caption, description, attributes) {
    const node = element("figure", { class: "figure-panel" }, parent);
    const title = element("figcaption", {}, node, caption);
    return { title, canvas: element("canvas", { role: "img", "aria-label": description, ...attributes }, node) };
  }

  function slider(parent, name, attributes) {
    const label = element("label", { class: "figure-slider" }, parent);
    element("span", { class: "figure-name" }, label, name);
    const input = element("input", { type: "range", ...attributes }, label);
    const shown = element("output", {}, label);
    const say = (text) => { shown.textContent = text; input.setAttribute("aria-valuetext", text); };
    return { input, say };
  }

  function chooser(parent, name, options, attributes) {
    const select = element("select", attributes, element("label", {}, parent, name));
    for (const text of options) element("option", {}, select, text);
    return select;
  }

  // What each colour stands for: [class of the swatch, words].
  function key(parent, entries) {
    const list = element("div", { class: "figure-key" }, parent);
    for (const [kind, text] of entries) {
      const item = element("span", {}, list);
      element("i", { class: "figure-swatch " + kind }, item);
      item.append(text);
    }
  }

  // A line of named numbers: the function it returns shows new ones.
  function readout(parent) {
    const line = element("div", { class: "figure-readout" }, parent);
    return (entries) => {
      line.textContent = "";
      for (const [name, value] of entries) {
        const part = element("span", { "data-name": name }, line, name + " ");
        element("b", {}, part, value);
      }
    };
  }

  // What is to be said in words, aloud too, and only when it is new; `kind` "warning" is seen from afar.
  function message(parent) {
    const line = element("p", { class: "figure-message", role: "status" }, parent);
    return (text, kind) => {
      if (line.textContent !== text) line.textContent = text;
      line.dataset.kind = kind || "";
    };
  }

  // Arrow keys on `node`, as a step to the right and a step up.
  function whenArrows(node, move) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    node.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      move(...step);
    });
  }

  // A pointer put down on `node`, or dragged over it.
  function whenPulled(node, act) {
    node.addEventListener("pointerdown", act);
    node.addEventListener("pointermove", (event) => { if (event.buttons === 1) act(event); });
  }

  // A small generator of uniform numbers (mulberry32), so that a page draws the same each time it is opened.
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  const within = (v, [low, high]) => Math.min(high, Math.max(low, v));
  const minus = (text) => text.replace(/-/g, "−");
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  const tools = { element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenArrows, whenPulled, generator, within, minus, grouped };
  const setUp = make({ ...tools, ...plotting(tools) });
  for (const root of document.querySelectorAll(`[data-figure="${figure}"]:not([data-ready])`)) {
    root.setAttribute("data-ready", "");
    root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab leaves our keys alone
    root.querySelector(".figure-fallback")?.remove();
    setUp(root, JSON.parse(root.dataset.problem));
  }
})
