// The page "Review": today's cards, one at a time. The words are those of the terminal (descent.study.recall.words).
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { button, courseMarkup, element, plural, setFormulas } = window.descentPage;
  const { IN_REVIEW, expected, makeDeck } = window.descentDeck;
  const { allPredictions, withUnit } = window.descentPredictions;
  const { dayInWords, today } = window.descentSchedule;
  const record = window.descentRecord, course = window.DESCENT_COURSE, { PREDICTION } = record;
  const place = document.querySelector("#descent-review");
  if (!place) return;

  const LONGEST = 300; // seconds; whoever takes longer has been elsewhere
  const LONG_PAUSE = 14; // days that a card is late before the page says what a pause does
  const BOOK = document.documentElement.dataset.content_root ?? "";
  const FIRST_CARDS = "There are no cards for you yet. Those of a section come to you once you answered them in the chapter "
    + "or did the section’s exercises.";

  const given = []; // the answers of this sitting: {key, remembered, seconds}
  let current = null; // {state, begun, answer, shown}
  let whole = false; // whether what would wait is asked as well
  const summary = element("p", { className: "descent-due" });
  const said = element("p", { className: "descent-status", role: "status" });
  const stage = element("div", { className: "descent-stage" });
  place.replaceChildren(summary, said, stage);

  const cardsInWords = (count) => (count === 0 ? "no cards" : plural(count, "card"));
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const keyOf = ({ chapter, item }) => `${chapter}/${item}`;

  // --- What is asked --------------------------------------------------------------------------------

  /** The predictions that came otherwise than was said, each as a card that asks why. */
  function missedPredictions(events) {
    return allPredictions(course.predictions, events).filter(({ right }) => right === false).map((stand) => {
      const { prediction } = stand;
      const what = `You said ${withUnit(stand.said.data.value, prediction.unit)}; it was ${withUnit(stand.was, prediction.unit)}. Why?`;
      const question = element("div", { innerHTML: prediction.ask_html });
      question.append(` ${what}`); // words of the reader: text, not markup
      return {
        chapter: prediction.chapter, item: `${PREDICTION}${prediction.item}`, section: "", metAt: stand.knownAt,
        q_html: question.innerHTML, a_html: prediction.because_html,
      };
    });
  }

  function currentDeck() {
    const events = record.events();
    return makeDeck([...course.cards, ...missedPredictions(events)], course, events, today());
  }

  /** What this sitting still asks. One that lasts beyond 04:00 does not ask again what was forgotten in it. */
  function asked(deck) {
    const done = new Set(given.map(({ key }) => key));
    return (whole ? [...deck.pile, ...deck.waiting] : deck.pile).filter(({ card }) => !done.has(keyOf(card)));
  }

  // --- Words ----------------------------------------------------------------------------------------

  function dueInWords(deck) {
    const { pile, waiting, later, done } = deck;
    if (!pile.length && !waiting.length && !later.length) return FIRST_CARDS;
    if (!pile.length && waiting.length) {
      return `You did ${cardsInWords(done)} today, which is enough for a day. ${capital(cardsInWords(waiting.length))} will wait.`;
    }
    if (!pile.length) {
      const first = later[0].due, count = later.filter(({ due }) => due === first).length;
      return `Nothing is due today. Next: ${cardsInWords(count)} ${dayInWords(first)}.`;
    }
    const more = waiting.length ? ` ${waiting.length} more will wait for the next days.` : "";
    return `Due today: ${cardsInWords(pile.length)}.${more}`;
  }

  function coming(deck) {
    const days = expected(deck, 7);
    return `Tomorrow: ${cardsInWords(days[0])}. In the next seven days: ${days.reduce((sum, one) => sum + one, 0)}.`;
  }

  function pauseInWords({ pile, waiting }) {
    const late = Math.max(0, ...[...pile, ...waiting].filter(({ memory }) => memory).map(({ due }) => today() - due));
    return late >= LONG_PAUSE
      ? " You have been away. Nothing is held against you: a card that you still know after so long counts for more, and comes back later."
      : "";
  }

  function aheadInWords({ ahead }) {
    if (ahead === null) return "";
    const date = new Date(86_400_000 * ahead).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "long", year: "numeric" });
    return ` Your record has answers of ${date}, which has not come yet. Nothing is lost; set the clock if it is wrong.`;
  }

  function sittingInWords() {
    const known = given.filter(({ remembered }) => remembered).length;
    const seconds = given.map((one) => one.seconds).sort((a, b) => a - b);
    const half = seconds.length / 2;
    const each = (seconds[Math.ceil(half) - 1] + seconds[Math.floor(half)]) / 2; // the median
    return `Done: ${cardsInWords(given.length)}, ${known} known, ${given.length - known} not yet; about ${Math.round(each)} seconds a card.`;
  }

  // --- One card -------------------------------------------------------------------------------------

  function sourceOf(card) {
    const chapter = course.chapters.find(({ id }) => id === card.chapter);
    const section = course.sections.find(({ id }) => id === `${card.chapter}#${card.section}`);
    const title = chapter ? `${chapter.mark} · ${chapter.title}` : card.chapter;
    if (!chapter?.page) return title;
    return element("a", { href: `${BOOK}${chapter.page}${section?.anchor ? `#${section.anchor}` : ""}` }, title);
  }

  function showCard(state) {
    const { card } = state, count = element("span");
    const kind = card.item.startsWith(PREDICTION) ? " · a prediction of yours" : card.transfer ? " · a new case" : "";
    const question = courseMarkup("div", card.q_html, { className: "descent-card-question", tabIndex: -1 });
    const answer = courseMarkup("div", card.a_html, { className: "descent-card-answer", hidden: true, tabIndex: -1 });
    const show = button("Show the answer", showAnswer, { className: "descent-show" });
    show.append(element("kbd", {}, "space"));
    const choice = element("div", { className: "descent-choice", role: "group", "aria-label": "Did you know it?", hidden: true },
      withKey(button("I knew it", () => grade(true)), "1"), withKey(button("Not yet", () => grade(false)), "2"));
    const source = element("p", { className: "descent-hint", hidden: true }, "From ", sourceOf(card));
    stage.replaceChildren(element("article", { className: "descent-review-card", "aria-label": "Card" },
      element("p", { className: "descent-hint" }, count, kind), question, show, answer, source, choice));
    setFormulas(stage);
    current = { state, count, answer, source, show, choice, question, begun: performance.now() };
  }

  function withKey(made, key) {
    made.append(" ", element("kbd", {}, key));
    return made;
  }

  function showAnswer() {
    if (!current || !current.answer.hidden) return;
    current.show.hidden = true;
    for (const part of [current.answer, current.source, current.choice]) part.hidden = false;
    current.answer.focus();
  }

  function grade(remembered) {
    if (!current || current.answer.hidden) return;
    const { card } = current.state;
    const seconds = Math.min((performance.now() - current.begun) / 1000, LONGEST);
    given.push({ key: keyOf(card), remembered, seconds });
    current = null;
    record.add("review", card.chapter, card.item, { remembered, seconds: Math.round(10 * seconds) / 10, where: IN_REVIEW });
    const back = currentDeck().later.find((one) => keyOf(one.card) === keyOf(card));
    said.textContent = `${remembered ? "Known" : "Not yet"}${back ? `: back ${dayInWords(back.due)}` : ""}.`;
    (current?.question ?? stage.querySelector("[tabindex]"))?.focus();
  }

  function showEnd(deck) {
    const parts = [];
    if (given.length) parts.push(element("p", { className: "descent-done", tabIndex: -1 }, sittingInWords()));
    if (deck.pile.length + deck.waiting.length + deck.later.length) parts.push(element("p", {}, coming(deck)));
    if (deck.waiting.length && !whole) {
      parts.push(button(`Go on with the ${cardsInWords(deck.waiting.length)} that would wait`, () => { whole = true; refresh(); }));
    }
    stage.replaceChildren(...parts);
  }

  // --- The page -------------------------------------------------------------------------------------

  function refresh() {
    const deck = currentDeck(), left = asked(deck);
    summary.textContent = `${dueInWords(deck)}${pauseInWords(deck)}${aheadInWords(deck)}`;
    const isAsked = current && left.some(({ card }) => keyOf(card) === keyOf(current.state.card));
    if (!isAsked) { // else it is left to be answered
      current = null;
      if (left.length) showCard(left[0]);
      else showEnd(deck);
    }
    if (current) current.count.textContent = `${given.length + 1} of ${given.length + left.length}`;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const takesSpace = event.target.closest("button, summary, a");
    if (event.key === " " && current?.answer.hidden && !takesSpace) {
      event.preventDefault(); // which would scroll
      showAnswer();
    } else if (["1", "k"].includes(event.key)) { // the terminal's keys
      grade(true);
    } else if (["2", "n"].includes(event.key)) {
      grade(false);
    }
  });

  if (course) record.ready.then(() => record.watch(refresh));
  else stage.replaceChildren(element("p", {}, "The list of cards is missing from this copy of the book. Build it anew with make book."));
});
