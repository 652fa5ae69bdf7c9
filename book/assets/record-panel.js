// The record itself, on the pages that show it: where it is kept, saved to a file, loaded from one, deleted.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { button, element, plural } = window.descentPage;
  const record = window.descentRecord;
  const place = document.querySelector(".descent-record");
  if (!place) return;

  const where = element("p");
  const status = element("p", { className: "descent-status", role: "status" });
  const question = element("p", { className: "descent-question", hidden: true });
  const file = element("input", { type: "file", accept: ".jsonl,.json,.txt", hidden: true, tabIndex: -1 });
  const remove = button("Delete all", askToDelete);
  const buttons = element("div", { className: "descent-choice", role: "group", "aria-label": "The record" },
    button("Save to a file", save), button("Load from a file", () => file.click()), remove);
  file.addEventListener("change", load);
  place.append(where, buttons, file, question, status);

  function save() {
    const blob = new Blob([record.asText()], { type: "application/x-ndjson" });
    const address = URL.createObjectURL(blob);
    const now = new Date();
    const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
    const link = element("a", { href: address, download: `descent-record-${day}.jsonl` });
    document.body.append(link); // some browsers follow no link that is not in the page
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
    status.textContent = `${plural(record.events().length, "entry", "entries")} went to ${link.download}.`;
  }

  async function load() {
    const [chosen] = file.files;
    if (!chosen) return;
    file.value = ""; // so that the same file can be chosen again
    try {
      status.textContent = inWords(chosen.name, record.merge(await chosen.text()));
    } catch {
      status.textContent = `${chosen.name} could not be read. Nothing was changed.`;
    }
  }

  function inWords(name, { added, known, broken }) {
    if (!added && !known) return `${name} holds no entry of a record. Nothing was changed.`;
    const passed = broken ? ` ${plural(broken, "line")} could not be read and ${broken === 1 ? "was" : "were"} passed over.` : "";
    return `${plural(added, "entry is", "entries are")} new; ${known} were here already.${passed}`;
  }

  function askToDelete() {
    const entries = plural(record.events().length, "entry", "entries");
    const keep = button("Keep it", () => settle("Nothing was deleted."));
    question.replaceChildren(
      `Delete ${entries} and every draft in this browser? This cannot be undone; a file that you saved stays. `,
      button("Delete", () => { record.deleteAll(); settle(`${entries} deleted.`); }), " ", keep,
    );
    question.hidden = false;
    keep.focus();
  }

  function settle(words) {
    question.hidden = true;
    status.textContent = words;
    remove.focus();
  }

  record.watch(() => {
    const entries = plural(record.events().length, "entry", "entries");
    const served = record.server !== null;
    where.textContent = served
      ? `Your record has ${entries}. It is kept on this machine, in the record of the course, with what notebooks and the `
        + "terminal add. To delete it, run descent record delete in a terminal."
      : `Your record has ${entries}. It is kept in this browser on this device and nowhere else. To take it along, save it `
        + "to a file and load it there; descent record merge adds such a file to the record of notebooks and terminal.";
    remove.hidden = served;
  });
});
