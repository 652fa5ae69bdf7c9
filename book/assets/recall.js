// The recall cards of a chapter's page: two buttons a card, and a forgotten one once more further down.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { button, element, setFormulas } = window.descentPage;
  const record = window.descentRecord, { dayInWords, dayOf, memoryOf, today } = window.descentSchedule;
  const LONGEST = 300; // seconds; whoever takes longer has been elsewhere
  const areas = [...document.querySelectorAll(".descent-recall")];
  if (!areas.length) return;

  let lastAnswered = 0; // milliseconds; of two cards in view the second is thought about after the first
  const seen = new Map(); // when a card came into view, in milliseconds
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !seen.has(target)) seen.set(target, performance.now());
    }
  });

  const answersTo = ({ chapter, item }) => record.find("review", chapter, item);

  const answersToday = (card) => answersTo(card).filter((event) => dayOf(event.at) === today());

  // --- One card, where it stands --------------------------------------------------------------------

  /** Give a card in the page its buttons. `place` is the number of its area, for what comes after it. */
  function enliven(details, place, isAgain = false) {
    const { chapter, item } = details.dataset;
    const card = { chapter, item, details, place, isAgain, thought: 0, answered: false };
    card.mark = element("span", { className: "descent-mark" });
    card.status = element("p", { className: "descent-status", role: "status", tabIndex: -1 });
    card.choice = element(
      "div", { className: "descent-choice", role: "group", "aria-label": "Did you know it?" },
      button("I knew it", () => answer(card, true)), button("Not yet", () => answer(card, false)),
    );
    details.querySelector("summary").append(" ", card.mark);
    details.append(element("div", { className: "descent-card-foot" }, card.choice, card.status));
    details.addEventListener("toggle", () => { if (details.open && !card.thought) card.thought = secondsSince(details); });
    watcher.observe(details);
    return card;
  }

  /** Seconds of thought: from when the question was in view, and the card before it answered. */
  function secondsSince(details) {
    const now = performance.now();
    const seconds = (now - Math.max(seen.get(details) ?? now, lastAnswered)) / 1000;
    return Math.round(10 * Math.min(Math.max(seconds, 0.1), LONGEST)) / 10;
  }

  function answer(card, remembered) {
    lastAnswered = performance.now();
    answeredAt.set(keyOf(card), card.place);
    card.answered = true;
    record.add("review", card.chapter, card.item, { remembered, seconds: card.thought || 0.1, where: "page" });
    card.status.focus(); // the button that had it is gone
  }

  /** Show how a card stands now. */
  function refresh(card) {
    const memory = memoryOf(answersTo(card)), given = answersToday(card).at(card.isAgain ? -1 : 0);
    card.mark.textContent = !given && memory && memory.due <= today() ? "due today" : "";
    card.choice.hidden = card.isAgain ? card.answered : Boolean(given);
    const words = card.choice.hidden && given ? saidOf(card, given, memory) : "";
    if (card.status.textContent !== words) card.status.textContent = words;
  }

  function saidOf(card, given, memory) {
    const next = `It comes back in the review ${dayInWords(memory.due)}`;
    if (given.data.remembered) return `You knew it${card.isAgain ? " this time" : ""}. ${next}.`;
    return card.place < areas.length ? `Not yet. It is asked once more further down this page. ${next}.` : `Not yet. ${next}.`;
  }

  // --- Once more ------------------------------------------------------------------------------------

  const keyOf = ({ chapter, item }) => `${chapter}/${item}`;
  const answeredAt = new Map(); // the area in which a card was answered last, by its key

  /** Cards that were not known, asked again: before the cards of area `place`, or at the foot after all. */
  function makeAgain(place) {
    const isFoot = place === areas.length;
    const block = element("div", { className: "descent-again", hidden: true },
      element("p", { className: "descent-again-title" }, isFoot ? "Once more, before you go" : "Once more"));
    if (isFoot) (document.querySelector(".bd-article") ?? document.body).append(block);
    else areas[place].prepend(block);
    return { place, isFoot, block, copies: new Map() };
  }

  function belongs(again, card) {
    const given = answersToday(card).at(-1);
    if (!given || given.data.remembered) return false;
    const place = answeredAt.get(keyOf(card)) ?? card.place;
    return again.isFoot ? place < again.place : place === again.place - 1;
  }

  function copyOf(card, again) {
    const details = card.details.cloneNode(true);
    details.open = false;
    for (const own of details.querySelectorAll(".descent-card-foot, .descent-mark")) own.remove();
    for (const named of details.querySelectorAll("[id]")) named.removeAttribute("id");
    again.block.append(details);
    setFormulas(details);
    return enliven(details, again.place, true);
  }

  function refreshAgain(again) {
    for (const card of cards) {
      const key = keyOf(card);
      if (belongs(again, card)) {
        if (!again.copies.has(key)) again.copies.set(key, copyOf(card, again));
      } else if (again.copies.has(key) && !again.copies.get(key).answered) {
        again.copies.get(key).details.remove();
        again.copies.delete(key);
      }
    }
    again.copies.forEach(refresh);
    again.block.hidden = !again.copies.size;
  }

  const cards = areas.flatMap((area, place) => [...area.querySelectorAll(".descent-card")].map((details) => enliven(details, place)));
  const agains = [...areas.keys()].slice(1).concat(areas.length).map(makeAgain);
  record.watch(() => {
    cards.forEach(refresh);
    agains.forEach(refreshAgain);
  });
});
