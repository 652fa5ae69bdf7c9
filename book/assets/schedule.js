// When a card comes back: FSRS-6 on whole days, computed from the log of answers each time.
//
// The rules, and why they are what they are, stand in descent.study.recall.schedule, which notebooks, the
// terminal and the server use. They are written a second time here because a page that is read from
// disk or on a phone has no Python to ask. A test hands the same random logs to both.
"use strict";

window.descentSchedule = (() => {
  const TURNS_AT_HOUR = 4; // the local hour at which a day begins
  const AHEAD_DAYS = 7; // up to how many days after today an answer counts as made today
  const LONGEST = 365; // days
  const KNEW_IT = 3, NOT_YET = 1; // FSRS's grades "Good" and "Again"
  const SECONDS_A_DAY = 86400;
  const YEAR_3000 = 32503680000; // seconds since 1970
  const WEIGHTS = [
    0.212, 1.2931, 5, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
    1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
  ];
  const FACTOR = 0.9 ** (-1 / WEIGHTS[20]) - 1;

  /** The day of a moment (seconds since 1970), numbered from 1 January 1970; null where nobody can have worked. */
  function dayOf(at) {
    if (!(at >= 0 && at < YEAR_3000)) return null;
    const local = new Date(1000 * at);
    const midnight = Date.UTC(local.getFullYear(), local.getMonth(), local.getDate());
    return midnight / (1000 * SECONDS_A_DAY) - (local.getHours() < TURNS_AT_HOUR ? 1 : 0);
  }

  const today = () => dayOf(Date.now() / 1000);

  const difficultyWithin = (value) => Math.min(Math.max(value, 1), 10);

  const firstDifficulty = (grade) => WEIGHTS[4] - Math.exp(WEIGHTS[5] * (grade - 1)) + 1;

  /** The chance that a card is still known so many days after the answer that gave it this stability. */
  const chanceAfter = (days, stability) => (1 + (FACTOR * days) / stability) ** -WEIGHTS[20];

  /** The chance that a card is known today. */
  const chance = (state, day) => chanceAfter(Math.max(0, day - state.day), state.stability);

  function nextStability({ stability, difficulty }, risk, known) {
    const w = WEIGHTS;
    const next = known
      ? stability
        * (1 + Math.exp(w[8]) * (11 - difficulty) * stability ** -w[9] * (Math.exp(risk * w[10]) - 1))
      : Math.min(
        w[11] * difficulty ** -w[12] * ((stability + 1) ** w[13] - 1) * Math.exp(risk * w[14]),
        stability / Math.exp(w[17] * w[18]),
      );
    return Math.max(next, 0.001);
  }

  function nextDifficulty(difficulty, grade) {
    const moved = difficulty + ((10 - difficulty) * -WEIGHTS[6] * (grade - 3)) / 9;
    return difficultyWithin(WEIGHTS[7] * firstDifficulty(4) + (1 - WEIGHTS[7]) * moved);
  }

  /** Half to even, as Python rounds. */
  function rounded(value) {
    const below = Math.floor(value);
    if (value - below !== 0.5) return Math.round(value);
    return below % 2 === 0 ? below : below + 1;
  }

  /** The state after one more answer; `state` is null for a card that was never answered. */
  function answered(state, day, known) {
    const grade = known ? KNEW_IT : NOT_YET;
    const stability = state
      ? nextStability(state, 1 - chance(state, day), known)
      : WEIGHTS[grade - 1];
    const difficulty = state
      ? nextDifficulty(state.difficulty, grade)
      : difficultyWithin(firstDifficulty(grade));
    const days = known ? Math.min(Math.max(rounded(stability), 1), LONGEST) : 1;
    return { stability, difficulty, day, due: day + days };
  }

  /**
   * The state of a card: `{stability, difficulty, day, due}`, or null where no answer counts.
   * @param answers `{day, known}` of each answer, in the order they were given
   * @param now the number of the present day
   */
  function memory(answers, now) {
    let state = null;
    for (const { day: given, known } of answers) {
      if (given === null || given > now + AHEAD_DAYS) continue;
      const day = Math.min(given, now);
      if (state === null || day > state.day) state = answered(state, day, known);
    }
    return state;
  }

  /** The same, from the events of one card, in the order of the record. */
  function memoryOf(events, now = today()) {
    const answers = events.map((event) => ({ day: dayOf(event.at), known: event.data.remembered === true }));
    return memory(answers, now);
  }

  /** A day as a person would say it: "tomorrow", "on Friday", "on 4 March", "in May 2028". */
  function dayInWords(day, now = today()) {
    const ahead = day - now;
    if (ahead <= 1) return ahead <= 0 ? "today" : "tomorrow";
    const write = (parts) => new Date(1000 * SECONDS_A_DAY * day).toLocaleDateString("en-GB", { timeZone: "UTC", ...parts });
    if (ahead < 7) return `on ${write({ weekday: "long" })}`;
    if (ahead < 300) return `on ${write({ day: "numeric", month: "long" })}`;
    return `in ${write({ month: "long", year: "numeric" })}`;
  }

  return { chance, dayInWords, dayOf, memory, memoryOf, today };
})();
