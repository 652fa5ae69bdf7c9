// Sets up every copy of a figure on the page that is not yet set up. Plain JavaScript, no network.
"use strict";
(function (figure, make) {
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

  const setUp = make({ element, colour, whenLookChanges });
  for (const root of document.querySelectorAll(`[data-figure="${figure}"]:not([data-ready])`)) {
    root.setAttribute("data-ready", "");
    root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab leaves our keys alone
    root.querySelector(".figure-fallback")?.remove();
    setUp(root, JSON.parse(root.dataset.problem));
  }
})
