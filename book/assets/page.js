// What the scripts of the book's pages share: making elements, and formulas in what was made.
"use strict";

window.descentPage = (() => {
  /** An element with properties (`className`, `hidden`, …), attributes where no property is so named, and children. */
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made && name !== "role") made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const button = (text, onclick, properties = {}) => element("button", { type: "button", onclick, ...properties }, text);

  /** An element whose content is markup of the course, never of the reader. MathJax looks for formulas only where it is told to. */
  function courseMarkup(tag, html, properties = {}) {
    const made = element(tag, { ...properties, innerHTML: html });
    made.classList.add("mathjax_process");
    return made;
  }

  /** Set the formulas in an element that came after the page was. */
  const setFormulas = (made) => window.MathJax?.typesetPromise?.([made]);

  const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

  /** The date of a moment in seconds since 1970: "4 Dec 2026". */
  const dateOf = (at) => new Date(1000 * at).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

  return { button, courseMarkup, dateOf, element, plural, setFormulas };
})();
