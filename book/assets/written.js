// Written exercises in a chapter's page: a text that is never lost, then the rubric and the model answer.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { button, dateOf, element, plural } = window.descentPage;
  const record = window.descentRecord;
  const LONGEST = 50_000; // characters; some twenty pages

  function enliven(box) {
    const { chapter, item } = box.dataset;
    const rubric = box.querySelector("details.rubric");
    const ask = box.querySelector(".ask");
    const text = element("textarea", { rows: 7, maxLength: LONGEST, value: record.draft(chapter, item) ?? "" });
    const status = element("p", { className: "descent-status", role: "status" });
    const versions = element("div", { className: "descent-versions" });
    const points = rubric ? [...rubric.querySelectorAll(":scope > ul > li")].map(makePoint) : [];
    let shown = null; // the uid of the latest version that is shown

    if (ask) {
      ask.id ||= `descent-written-${item}`;
      text.setAttribute("aria-labelledby", ask.id);
    } else {
      text.setAttribute("aria-label", "Your answer");
    }
    text.addEventListener("input", () => {
      record.keepDraft(chapter, item, text.value);
      status.textContent = "";
    });
    const form = element("div", { className: "descent-form" }, text, button("Submit", submit), status, versions);
    if (rubric) rubric.before(form);
    else box.append(form);

    function makePoint(point, number) {
      const tick = element("input", { type: "checkbox", hidden: true });
      tick.addEventListener("change", assess);
      point.replaceChildren(element("label", {}, tick, element("span", {}, ...point.childNodes)));
      return { number, tick };
    }

    const written = () => record.find("write", chapter, item);

    function submit() {
      const last = written().at(-1);
      if (!text.value.trim()) {
        status.textContent = "Write your answer first; a few sentences will do.";
        text.focus();
      } else if (last && last.data.text === text.value) {
        status.textContent = "This version is kept already. Compare it with what a good answer contains.";
      } else {
        record.add("write", chapter, item, { text: text.value });
        status.textContent = "Kept. Now compare it with what a good answer contains, and tick what yours has.";
      }
      if (rubric && text.value.trim()) rubric.open = true;
    }

    function assess() {
      const met = points.filter(({ tick }) => tick.checked).map(({ number }) => number);
      record.add("assess", chapter, item, { met });
      status.textContent = `${met.length} of ${plural(points.length, "point")} ticked.`;
    }

    function refresh() {
      const all = written(), last = all.at(-1);
      if (last && record.draft(chapter, item) === null && !text.value) text.value = last.data.text;
      const assessed = record.find("assess", chapter, item).filter((event) => last && event.at > last.at).at(-1);
      const met = new Set(assessed?.data.met ?? []);
      for (const { number, tick } of points) {
        tick.hidden = !last;
        tick.checked = met.has(number);
      }
      if (last && last.uid !== shown) {
        shown = last.uid;
        showVersions(all.slice(0, -1));
      }
    }

    function showVersions(earlier) {
      versions.replaceChildren();
      if (!earlier.length) return;
      const list = element("details", {}, element("summary", {}, plural(earlier.length, "earlier version")));
      for (const version of [...earlier].reverse()) {
        list.append(element("p", { className: "descent-hint" }, dateOf(version.at)), element("blockquote", {}, version.data.text));
      }
      versions.append(list);
    }

    return refresh;
  }

  const refreshes = [...document.querySelectorAll(".descent-written")].map(enliven);
  record.watch(() => refreshes.forEach((refresh) => refresh()));
});
