// Which cards are due: the same rules as descent.study.recall (deck and met), for a page without Python.
"use strict";

window.descentDeck = (() => {
  const { dayOf, memoryOf, chance } = window.descentSchedule;
  const DAILY = 20; // how many cards a day asks for at most
  const IN_REVIEW = "review"; // what `where` says when a card was answered outside of its page

  /** When the exercises passed their checks first, by "chapter/exercise". */
  function firstDone(events) {
    const first = new Map();
    for (const event of events) {
      const key = `${event.chapter}/${event.exercise}`;
      if (event.kind === "check" && event.outcome === "correct" && !first.has(key)) first.set(key, event.at);
    }
    return first;
  }

  /** A function that says when a card was met without being answered: with the exercises of its section. */
  function metBy({ chapters, sections }, events) {
    const done = firstDone(events);
    return (card) => {
      const section = sections.find(({ id }) => id === `${card.chapter}#${card.section}`);
      const chapter = chapters.find(({ id }) => id === card.chapter);
      const exercises = section?.exercises.length ? section.exercises : chapter?.exercises ?? [];
      const times = exercises.map((name) => done.get(`${card.chapter}/${name}`));
      return times.length && times.every((at) => at !== undefined) ? Math.max(...times) : null;
    };
  }

  /** The answers that were given, by "chapter/item" of their card, oldest first. */
  function answersByCard(events) {
    const answers = new Map();
    for (const event of events) {
      if (event.kind !== "review" || typeof event.data.remembered !== "boolean") continue;
      const key = `${event.chapter}/${event.exercise}`;
      if (!answers.has(key)) answers.set(key, []);
      answers.get(key).push(event);
    }
    return answers;
  }

  function standing(card, answers, metAt, today) {
    const memory = memoryOf(answers, today);
    if (memory) return { card, memory, due: memory.due, chance: chance(memory, today) };
    const met = metAt === null ? null : dayOf(metAt);
    return met === null ? null : { card, memory: null, due: met <= today ? met + 1 : today, chance: null };
  }

  const rounded = (value) => Math.round(1e6 * value);

  /** Cards that were answered before new ones; the smaller chance first, then the earlier day. */
  function byRisk(a, b) {
    if ((a.chance === null) !== (b.chance === null)) return a.chance === null ? 1 : -1;
    return rounded(a.chance ?? 0) - rounded(b.chance ?? 0) || a.due - b.due;
  }

  /**
   * What is due.
   * @param cards every card in the order of the course: `{chapter, item, section}`, with `metAt` where it is known
   * @param course its chapters and sections, with the names of their exercises
   * @param events the record, oldest first
   * @param today the number of the day
   * @returns `pile` is asked today, `waiting` is due as well and comes on the next days, `later` is due on a later
   *   day, the earliest first; `done` cards were answered in a review today, `unmet` were never met;
   *   `ahead` is the latest day of an answer, where that is after today, else null
   */
  function makeDeck(cards, course, events, today) {
    const answers = answersByCard(events), metAt = metBy(course, events);
    const met = cards
      .map((card) => standing(card, answers.get(`${card.chapter}/${card.item}`) ?? [], card.metAt ?? metAt(card), today))
      .filter((one) => one !== null);
    const due = met.filter((one) => one.due <= today).sort(byRisk);
    const reviewed = [...answers].filter(([, given]) => given.some(
      (event) => dayOf(event.at) === today && event.data.where === IN_REVIEW,
    ));
    const room = Math.max(0, DAILY - reviewed.length);
    const latest = Math.max(today, ...[...answers.values()].map((given) => dayOf(given.at(-1).at) ?? today));
    return {
      today,
      pile: due.slice(0, room),
      waiting: due.slice(room),
      later: met.filter((one) => one.due > today).sort((a, b) => a.due - b.due),
      done: reviewed.length,
      unmet: cards.length - met.length,
      ahead: latest > today ? latest : null,
    };
  }

  /** How many cards each of the next days asks for, tomorrow first, with what stays over today. */
  function expected({ pile, waiting, later, today }, days) {
    let left = pile.length + waiting.length;
    return Array.from({ length: days }, (_, at) => {
      left += later.filter((one) => one.due === today + at + 1).length;
      const asked = Math.min(left, DAILY);
      left -= asked;
      return asked;
    });
  }

  return { IN_REVIEW, expected, makeDeck };
})();
