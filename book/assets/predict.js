// Predictions in a chapter's page: one quantity is committed to before the outputs that show it are opened.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { courseMarkup, element, setFormulas } = window.descentPage;
  const { standing, sureInWords, verdict, withUnit } = window.descentPredictions;
  const makeForm = window.descentPredictionForm, record = window.descentRecord;
  // Outputs that myst-nb folded. A solution is folded too, above its code, and is none of ours.
  const FOLDED_OUTPUT = "details.hide:is(.below-input, .above-output)";
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

  function outcomeOf({ chapter, item }) {
    return [...document.querySelectorAll(".descent-outcome")].find(
      ({ dataset }) => dataset.chapter === chapter && dataset.item === item,
    );
  }

  // --- One prediction -------------------------------------------------------------------------------

  function enliven(box, number) {
    const prediction = declared(box), outcome = outcomeOf(prediction);
    const status = element("p", { className: "descent-status", role: "status", tabIndex: -1 });
    const told = element("div", { className: "descent-verdict", hidden: true, "aria-live": "polite" });
    const form = makeForm(prediction, number, commit);
    nameByQuestion(box, number);
    box.append(form, status);
    outcome?.append(told);

    function commit(value, sure) {
      record.add("predict", prediction.chapter, prediction.item, { value, sure });
      status.focus(); // the button that had it is gone
    }

    /** How the prediction stands. One that is settled was made, or can no longer be made in time. */
    function state() {
      const found = standing(prediction, record.eventsOf(prediction.chapter, prediction.item));
      return { ...found, settled: found.said !== null || found.knownAt !== null };
    }

    /** From here on the reader knows what came, in this session and every later one. */
    function noteOutcome() {
      if (outcome && state().knownAt === null) {
        record.add("outcome", prediction.chapter, prediction.item, { value: parsed(outcome.dataset.value, prediction.kind) });
      }
    }

    /** Whether a folded output is one from the box to its outcome, the outcome's own among them. */
    function isShownBy(fold) {
      return outcome && comesAfter(fold, box) && (fold.contains(outcome) || comesAfter(outcome, fold));
    }

    /** Whether the reader has what came before their eyes. */
    const isOpen = () => Boolean(outcome) && (outcome.closest(FOLDED_OUTPUT)?.open ?? true);

    function show() {
      const now = state();
      form.hidden = Boolean(now.said || now.idle);
      say(status, words(now));
      told.hidden = !(now.said && now.knownAt !== null);
      if (!told.hidden) showVerdict(now);
      for (const bare of outcome?.querySelectorAll(":scope > p") ?? []) bare.hidden = !told.hidden; // the verdict says it too
    }

    function words({ said, idle, knownAt }) {
      if (said) {
        const what = `Committed: ${withUnit(said.data.value, prediction.unit)}, ${sureInWords(said.data.sure)}.`;
        if (!outcome) return `${what} The outcome comes in the notebook.`;
        return knownAt === null
          ? `${what} The outputs below show another prediction’s outcome too, and open when that one is made.`
          : `${what} The outputs below are open.`;
      }
      if (idle) {
        return `You wrote ${withUnit(idle.data.value, prediction.unit)} after the outcome was known. It is kept, and not scored.`;
      }
      return knownAt === null ? "" : "You have seen the outcome already: a prediction that you make now is kept, and not scored.";
    }

    function showVerdict(now) {
      told.replaceChildren(element("p", { className: now.right ? "descent-right" : "descent-miss" }, verdict(prediction, now)));
      if (prediction.because) told.append(courseMarkup("p", prediction.because));
      if (!now.right) told.append(element("p", { className: "descent-hint" }, "It comes back in your review, with the question why."));
      setFormulas(told);
    }

    return { isOpen, isShownBy, noteOutcome, show, state };
  }

  /** Whoever hears the page hears the question with the fields. */
  function nameByQuestion(box, number) {
    const ask = box.querySelector(".ask");
    if (!ask) return;
    ask.id ||= `descent-ask-${number}`;
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", ask.id);
  }

  /** Change words that are read aloud only when they are others. */
  function say(place, words) {
    if (place.textContent !== words) place.textContent = words;
  }

  // --- Folded outputs -------------------------------------------------------------------------------

  /** An output that shows what one or more predictions are about. */
  function guard(details) {
    const about = predictions.filter((prediction) => prediction.isShownBy(details));
    const label = details.querySelector("summary .collapsed"), usual = label?.textContent;
    let ours = false; // whether it is opened by us; any other opening is by hand
    details.addEventListener("toggle", () => {
      if (details.open && !ours) about.forEach((prediction) => prediction.noteOutcome());
    });

    function update() {
      const states = about.map((prediction) => prediction.state());
      const settled = states.every((state) => state.settled);
      if (settled && states.some(({ said }) => said)) {
        ours = true;
        details.open = true;
      }
      if (label) label.textContent = settled ? usual : OPEN_ANYWAY;
    }

    return about.length ? [update] : [];
  }

  /** An outcome goes with the output right above it: there is one thing to open, not two. */
  function goWith(above, fold) {
    const cell = fold.closest(".cell") ?? fold;
    const follow = () => {
      cell.hidden = !above.open;
      fold.open = above.open;
    };
    above.addEventListener("toggle", follow);
    follow();
  }

  const predictions = [...document.querySelectorAll(".descent-predict")].map(enliven);
  const folds = [...document.querySelectorAll(FOLDED_OUTPUT)];
  const updates = folds.flatMap(guard);
  folds.slice(1).forEach((fold, before) => {
    const belong = predictions.some((prediction) => prediction.isShownBy(folds[before]) && prediction.isShownBy(fold));
    if (belong && fold.querySelector(".descent-outcome")) goWith(folds[before], fold);
  });

  function refresh() {
    updates.forEach((update) => update());
    const seen = predictions.find((prediction) => {
      const { said, knownAt } = prediction.state();
      return said && knownAt === null && prediction.isOpen();
    });
    if (seen) seen.noteOutcome(); // and so comes back here
    else predictions.forEach((prediction) => prediction.show());
  }

  record.ready.then(() => record.watch(refresh));
});
