// Predictions in a chapter's page: one quantity is committed to before the outputs that show it are opened.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { courseMarkup, element, setFormulas } = window.descentPage;
  const { marginInWords, standing, sureInWords, verdict, withUnit } = window.descentPredictions;
  const record = window.descentRecord;
  // Outputs that myst-nb folded. A solution is folded too, above its code, and is none of ours.
  const FOLDED_OUTPUT = "details.hide:is(.below-input, .above-output)";
  const LEAST_SURE = 50, STEP = 5; // percent
  const OPEN_ANYWAY = "Open the output without a prediction";

  // --- What stands in the page ----------------------------------------------------------------------

  const parsed = (text, kind) => (kind === "choice" ? text : Number(text));
  const given = (text) => (text === undefined || text === "" ? undefined : Number(text));

  /** The prediction that a box asks for. */
  function declared({ dataset }) {
    return {
      chapter: dataset.chapter,
      item: dataset.item,
      kind: dataset.kind,
      unit: dataset.unit ?? "",
      within: given(dataset.within),
      factor: given(dataset.factor),
      choices: JSON.parse(dataset.choices ?? "[]"),
      because: dataset.because ?? "", // markup
    };
  }

  const comesAfter = (one, other) => Boolean(other.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);

  /** The folded outputs from a box to its outcome, the outcome's own among them. */
  function foldsBetween(box, outcome) {
    if (!outcome) return [];
    return [...document.querySelectorAll(FOLDED_OUTPUT)].filter(
      (fold) => comesAfter(fold, box) && (fold.contains(outcome) || comesAfter(outcome, fold)),
    );
  }

  function outcomeOf({ chapter, item }) {
    return [...document.querySelectorAll(".descent-outcome")].find(
      ({ dataset }) => dataset.chapter === chapter && dataset.item === item,
    );
  }

  // --- The form -------------------------------------------------------------------------------------

  /** Read "1 200", "0,5", "−3e-4" or "12 %"; NaN where it is no number. */
  function readNumber(text, unit) {
    const bare = text.trim().replace(unit && text.trim().endsWith(unit) ? unit : "", "").trim();
    const plain = bare.replace(/[\s\u00a0\u2009\u202f_]/g, "").replace("−", "-").replace(",", ".");
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  }

  function numberField(prediction) {
    const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off", className: "descent-number" });
    const label = element("label", {}, "Your prediction ", input, ` ${prediction.unit}`);
    return {
      field: label,
      first: input,
      read() {
        const value = readNumber(input.value, prediction.unit);
        return Number.isFinite(value) ? { value } : { problem: "Write one number, such as 12 or 0.5." };
      },
    };
  }

  function choiceField(prediction, name) {
    const radios = prediction.choices.map((choice) => element("input", { type: "radio", name, value: choice }));
    const field = element("fieldset", {}, element("legend", {}, "Your prediction"));
    for (const radio of radios) field.append(element("label", {}, radio, ` ${radio.value}`));
    return {
      field,
      first: radios[0],
      read() {
        const chosen = radios.find((radio) => radio.checked);
        return chosen ? { value: chosen.value } : { problem: "Choose one of them first." };
      },
    };
  }

  /** How sure the reader is: a slider, and what it says in words. */
  function sureField() {
    const slider = element("input", { type: "range", min: LEAST_SURE, max: 100, step: STEP, value: LEAST_SURE });
    const shown = element("span", { className: "descent-sure", "aria-hidden": "true" }); // the slider itself is read aloud
    const show = () => {
      shown.textContent = `${slider.value} %`;
      slider.setAttribute("aria-valuetext", `${slider.value} percent sure`);
    };
    slider.addEventListener("input", show);
    show();
    const scale = element("span", { className: "descent-scale" }, "50 %: a guess. 100 %: certain.");
    return { field: element("label", {}, "How sure are you? ", slider, " ", shown, " ", scale), read: () => Number(slider.value) / 100 };
  }

  function makeForm(prediction, number, commit) {
    const quantity = prediction.kind === "choice" ? choiceField(prediction, `descent-predict-${number}`) : numberField(prediction);
    const sure = sureField(), problem = element("p", { className: "descent-problem", role: "alert" });
    const margin = marginInWords(prediction);
    // Hidden until the record is read: a prediction of the notebook may be in it.
    const form = element("form", { className: "descent-form", noValidate: true, hidden: true }, quantity.field);
    if (margin) form.append(element("p", { className: "descent-hint" }, `An answer ${margin} counts as right.`));
    form.append(sure.field, problem, element("button", { type: "submit" }, "Commit"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const read = quantity.read();
      problem.textContent = read.problem ?? "";
      if (read.problem) quantity.first.focus();
      else commit(read.value, sure.read());
    });
    return form;
  }

  // --- One prediction -------------------------------------------------------------------------------

  function enliven(box, number) {
    const prediction = declared(box), outcome = outcomeOf(prediction);
    const folds = foldsBetween(box, outcome);
    const opened = new WeakSet(); // by us; any other was opened by hand
    const status = element("p", { className: "descent-status", role: "status", tabIndex: -1 });
    const told = element("div", { className: "descent-verdict", hidden: true, "aria-live": "polite" });
    const form = makeForm(prediction, number, commit);
    box.append(form, status);
    outcome?.append(told);
    const labels = folds.map((fold) => fold.querySelector("summary .collapsed")).filter(Boolean);
    const usual = labels.map((label) => label.textContent);
    for (const fold of folds) {
      fold.addEventListener("toggle", () => { if (fold.open && !opened.has(fold)) noteOutcome(); });
    }

    function now() {
      return standing(prediction, record.events().filter(
        (event) => event.chapter === prediction.chapter && event.exercise === prediction.item,
      ));
    }

    function commit(value, sure) {
      record.add("predict", prediction.chapter, prediction.item, { value, sure });
      status.focus(); // the button that had it is gone
    }

    /** From here on the reader knows what came, in this session and every later one. */
    function noteOutcome() {
      if (outcome && now().knownAt === null) {
        record.add("outcome", prediction.chapter, prediction.item, { value: parsed(outcome.dataset.value, prediction.kind) });
      }
    }

    function open() {
      for (const fold of folds) {
        opened.add(fold);
        fold.open = true;
      }
    }

    function refresh() {
      const state = now();
      if (state.said && state.knownAt === null && outcome) {
        noteOutcome(); // and so comes back here
        return;
      }
      form.hidden = Boolean(state.said || state.idle);
      if (state.said) open();
      labels.forEach((label, at) => { label.textContent = state.knownAt === null && outcome ? OPEN_ANYWAY : usual[at]; });
      say(status, words(state));
      told.hidden = !(state.said && state.knownAt !== null);
      if (!told.hidden) showVerdict(state);
      for (const bare of outcome?.querySelectorAll(":scope > p") ?? []) bare.hidden = !told.hidden; // the verdict says it too
    }

    function words(state) {
      if (state.said) {
        const what = `Committed: ${withUnit(state.said.data.value, prediction.unit)}, ${sureInWords(state.said.data.sure)}.`;
        return outcome ? `${what} The outputs below are open.` : `${what} The outcome comes in the notebook.`;
      }
      if (state.idle) {
        return `You wrote ${withUnit(state.idle.data.value, prediction.unit)} after the outcome was known. It is kept, and not scored.`;
      }
      return state.knownAt === null ? "" : "You have seen the outcome already: a prediction that you make now is kept, and not scored.";
    }

    function showVerdict(state) {
      told.replaceChildren(element("p", { className: state.right ? "descent-right" : "descent-miss" }, verdict(prediction, state)));
      if (prediction.because) told.append(courseMarkup("p", prediction.because));
      if (!state.right) told.append(element("p", { className: "descent-hint" }, "It comes back in your review, with the question why."));
      setFormulas(told);
    }

    return refresh;
  }

  /** Change words that are read aloud only when they are others. */
  function say(place, words) {
    if (place.textContent !== words) place.textContent = words;
  }

  const refreshes = [...document.querySelectorAll(".descent-predict")].map(enliven);
  record.ready.then(() => record.watch(() => refreshes.forEach((refresh) => refresh())));
});
