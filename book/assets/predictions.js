// How predictions stand: what was said, what came, whether it counts. The same rules as descent.study.predictions.
"use strict";

window.descentPredictions = (() => {
  const SLACK = 1e-9; // of the value, for 0.1 + 0.2

  /** Whether what was said is as near to what came as the question asks. */
  function isRight({ factor, within }, said, was) {
    if (typeof said !== "number" || typeof was !== "number" || said === was) return said === was;
    if (!factor) return Math.abs(said - was) <= (within ?? 0) + SLACK * Math.abs(was);
    const ratio = was === 0 ? 0 : said / was;
    return 1 / factor <= ratio && ratio <= factor;
  }

  /**
   * How a prediction stands, from the events of its item, oldest first.
   *
   * The latest that was made before anything was known of the outcome counts. One made later is kept and
   * not scored. `said` and `idle` are events or null; `was` is the value that came, or undefined.
   */
  function standing(prediction, events) {
    const outcome = events.find((event) => event.kind === "outcome") ?? null;
    const known = outcome === null ? events.length : events.indexOf(outcome);
    const said = events.slice(0, known).findLast((event) => event.kind === "predict") ?? null;
    const idle = events.slice(known).findLast((event) => event.kind === "predict") ?? null;
    const was = outcome?.data.value;
    const right = said && outcome ? isRight(prediction, said.data.value, was) : null;
    return { said, idle, was, right, knownAt: outcome?.at ?? null };
  }

  /** How those of the course's predictions stand that the record knows, in the order in which they were made. */
  function allPredictions(predictions, events) {
    const byItem = new Map(predictions.map((prediction) => [`${prediction.chapter}/${prediction.item}`, { prediction, own: [] }]));
    for (const event of events) {
      if (event.kind === "predict" || event.kind === "outcome") byItem.get(`${event.chapter}/${event.exercise}`)?.own.push(event);
    }
    return [...byItem.values()]
      .filter(({ own }) => own.length)
      .map(({ prediction, own }) => ({ prediction, ...standing(prediction, own) }))
      .sort((a, b) => (a.said?.at ?? Infinity) - (b.said?.at ?? Infinity) || 0);
  }

  /** A number as people write it: four digits that matter, and a real minus. */
  function numberInWords(value) {
    return String(Number(value.toPrecision(4))).replace("-", "−");
  }

  const valueInWords = (value) => (typeof value === "number" ? numberInWords(value) : String(value));

  /** The unit as it stands beside a number: one step, two steps. */
  const unitOf = (shown, unit) => (shown === "1" ? unit.replace(/^([a-z]+[^s])s\b/, "$1") : unit);

  /** "3 steps", "1 step", "92 %", "rises". */
  function withUnit(value, unit) {
    if (typeof value !== "number" || !unit) return valueInWords(value);
    const shown = numberInWords(value);
    return `${shown} ${unitOf(shown, unit)}`;
  }

  const sureInWords = (sure) => `${Math.round(100 * sure)} % sure`;

  /** What counts as right: "within 2 steps", "within a factor of 2"; nothing where only the value itself does. */
  function marginInWords({ factor, within, unit }) {
    if (factor) return `within a factor of ${numberInWords(factor)}`;
    return within ? `within ${withUnit(within, unit)}` : "";
  }

  /** "It is 1 step.", "What came: rises." */
  const cameInWords = (was, unit) => (typeof was === "number" ? `It is ${withUnit(was, unit)}.` : `What came: ${was}.`);

  /** "You said 3 steps, 70 % sure. It is 1.", or that this is what was said, or near enough. */
  function verdict(prediction, { said, was, right }) {
    const words = `${withUnit(said.data.value, prediction.unit)}, ${sureInWords(said.data.sure)}`;
    if (!right) return `You said ${words}. ${cameInWords(was, "")}`;
    const came = cameInWords(was, prediction.unit);
    if (valueInWords(said.data.value) === valueInWords(was)) return `${came} That is what you said: ${words}.`;
    return `${came} You said ${words}: ${marginInWords(prediction)}, so it counts as right.`;
  }

  return { allPredictions, marginInWords, standing, sureInWords, valueInWords, verdict, withUnit };
})();
