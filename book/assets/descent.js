// What the pages of the book do beyond being read. Plain JavaScript; nothing is fetched.
"use strict";

(() => {
  /** The command that opens a notebook: `work/ladder/01_slug.ipynb` → `descent open ladder/01`. */
  function openCommand(notebook) {
    const found = /([a-z]+)\/(\d+)_\w+\.ipynb$/.exec(notebook);
    return found ? `descent open ${found[1]}/${found[2]}` : "descent open";
  }

  function copyOnClick(button, text) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select it and copy";
      }
      window.setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  /** Remove the ", or type `descent open ...`" after the link, which the note says, and the dot before. */
  function dropAlternative(link, command) {
    const before = link.previousSibling;
    if (before?.nodeType === Node.TEXT_NODE) before.data = before.data.replace(/\s*·\s*$/, "");
    const words = link.nextSibling, typed = words?.nextSibling;
    if (words?.nodeType === Node.TEXT_NODE && typed?.textContent === command) {
      typed.remove();
      words.remove();
    }
  }

  /** Put the command in place of a link that has no server to lead to. */
  function showCommand(link) {
    const command = openCommand(link.dataset.notebook);
    const note = document.createElement("span");
    note.className = "open-command";
    const code = document.createElement("code");
    code.textContent = command;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    copyOnClick(button, command);
    note.append("To fill this chapter in, run ", code, button);
    dropAlternative(link, command);
    link.replaceWith(note);
  }

  /** Where the server makes a copy the first time and opens it: `work/ladder/01_slug.ipynb` → its chapter. */
  function openAddress(base, notebook) {
    return `${base}/descent/open/${notebook.replace(/^work\//, "").replace(/\.ipynb$/, "")}`;
  }

  function connectNotebooks() {
    const base = window.descentRecord.server;
    for (const link of document.querySelectorAll("a.open-in-lab[data-notebook]")) {
      if (base === null) {
        showCommand(link);
      } else {
        link.href = openAddress(base, link.dataset.notebook);
      }
    }
  }

  // A wide table or formula scrolls within its own box; the keyboard must be able to reach it.
  function makeWideContentReachable() {
    for (const box of document.querySelectorAll(".pst-scrollable-table-container, div.math")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  }

  document.addEventListener("DOMContentLoaded", connectNotebooks);
  window.addEventListener("load", makeWideContentReachable);
})();
