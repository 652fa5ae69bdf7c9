// Plans without a kernel: what descent.study.routes computes, from course-data.js and the record.
// A test compares the two over all goals, so a change of one is a change of both.
"use strict";

/**
 * @param {object} data - window.DESCENT_COURSE
 * @param {object[]} events - the learner's record, oldest first
 * @param {string[]} known - ids of chapters and sections that the learner says they know
 */
window.descentPlanner = (data, events = [], known = []) => {
  const DONE = "done", BEGUN = "begun", OPEN = "open";
  const chapters = new Map(data.chapters.map((chapter) => [chapter.id, chapter]));
  const inOrder = [...data.chapters].sort((a, b) => a.order - b.order);
  const sectionsOf = new Map(data.chapters.map((chapter) => [chapter.id, allSections(chapter)]));
  const sections = inOrder.flatMap((chapter) => sectionsOf.get(chapter.id));
  const byId = new Map(sections.map((section, place) => [section.id, { ...section, place }]));
  const happened = new Map(data.chapters.map((chapter) => [chapter.id, []]));
  for (const event of events) happened.get(event.chapter)?.push(event);
  const standing = new Map(data.chapters.flatMap(standingsIn));

  // --- The map ----------------------------------------------------------------------------------

  /** A chapter's sections; one that declares none is one section as a whole. */
  function allSections(chapter) {
    const declared = data.sections.filter((section) => section.chapter === chapter.id);
    if (declared.length) return declared;
    return [{
      id: chapter.id, chapter: chapter.id, heading: chapter.title, anchor: "", for: chapter.purpose,
      needs: chapter.needs, minutes: chapter.hours * 60, exercises: chapter.exercises,
    }];
  }

  /** The sections that an id means: a chapter's are all of its own. */
  function resolve(id) {
    if (sectionsOf.has(id)) return sectionsOf.get(id).map((section) => byId.get(section.id));
    return byId.has(id) ? [byId.get(id)] : [];
  }

  const unique = (list) => [...new Map(list.map((one) => [one.id, one])).values()];
  const needsOf = new Map(), neededByOf = new Map(sections.map((section) => [section.id, []]));
  for (const section of byId.values()) {
    const found = unique(section.needs.flatMap(resolve)).filter((one) => one.id !== section.id);
    needsOf.set(section.id, found);
    for (const need of found) neededByOf.get(need.id).push(section);
  }
  const needs = (section) => needsOf.get(section.id);
  const neededBy = (section) => neededByOf.get(section.id);

  const sorted = (list) => [...list].sort((a, b) => byId.get(a.id).place - byId.get(b.id).place);
  const isDone = (section) => standing.get(section.id).state === DONE;
  const isAllDone = (chapter) => sectionsOf.get(chapter.id).every(isDone);

  /** The chapter that `research/7`, `R7`, or a whole id means. */
  function chapterNamed(name) {
    const [part, rest = ""] = name.split("/");
    const number = /^\d+/.exec(rest);
    return data.chapters.find((chapter) => chapter.id === name || chapter.mark === name
      || (number && chapter.part === part && parseInt(chapter.id.split("/")[1], 10) === Number(number[0])));
  }

  // --- How the learner stands: study/routes/standing.py --------------------------------------------

  function exerciseStates(chapter) {
    const states = new Map();
    for (const event of happened.get(chapter.id)) {
      if (!["check", "hint"].includes(event.kind)) continue;
      if (event.outcome === "could not grade") continue;
      const old = states.get(event.exercise) ?? { done: false, touched: false };
      const tried = event.kind === "hint" || event.outcome !== "not attempted";
      states.set(event.exercise, { done: old.done || event.outcome === "correct", touched: old.touched || tried });
    }
    return states;
  }

  function standingsIn(chapter) {
    const states = exerciseStates(chapter);
    const own = sectionsOf.get(chapter.id);
    const done = (name) => states.get(name)?.done ?? false;
    const finished = finishedSections(own, done);
    const isKnown = (section) => known.some((id) => id === section.id || id === chapter.id);
    const over = own.map((section) => isKnown(section) || finished.has(section.id));
    const touched = (one) => one.exercises.some((name) => states.get(name)?.touched);
    const begun = new Set(own.filter((one, i) => !over[i] && touched(one)).map((one) => one.id));
    if (!begun.size && over.includes(false) && happened.get(chapter.id).length) {
      begun.add(own[over.indexOf(false)].id);
    }
    return own.map((section, i) => {
      const count = section.exercises.filter(done).length;
      const share = section.exercises.length ? 1 - count / section.exercises.length : 1;
      const state = over[i] ? DONE : begun.has(section.id) ? BEGUN : OPEN;
      return [section.id, { state, left: over[i] ? 0 : section.minutes * share }];
    });
  }

  /** The sections whose exercises are done; one without exercises is where a later one has one done. */
  function finishedSections(own, done) {
    const names = own.flatMap((section) => section.exercises);
    const finished = new Set();
    let later = names.length > 0 && names.every(done);
    for (const section of [...own].reverse()) {
      if (section.exercises.length ? section.exercises.every(done) : later) finished.add(section.id);
      later ||= section.exercises.some(done);
    }
    return finished;
  }

  // --- Plans: study/routes/planner.py -----------------------------------------------------------------

  /** Sections and all they need, in order; what is done is there, and what it needs is not. */
  function closure(targets) {
    const found = new Map();
    const waiting = [...targets];
    while (waiting.length) {
      const section = waiting.pop();
      if (found.has(section.id)) continue;
      found.set(section.id, section);
      if (!isDone(section)) waiting.push(...needs(section));
    }
    return sorted(found.values());
  }

  function stages(way, budget, scale = () => 1) {
    const onWay = new Set(way.map((section) => section.id));
    const found = [];
    let spent = 0;
    for (const section of way) {
      if (found.at(-1)?.chapter.id !== section.chapter) {
        const others = resolve(section.chapter).filter((one) => !onWay.has(one.id) && !isDone(one));
        found.push({ chapter: chapters.get(section.chapter), steps: [], done: [], skipped: others, hours: 0, ends: 0, fits: true });
      }
      const stage = found.at(-1);
      if (isDone(section)) {
        stage.done.push(section);
        continue;
      }
      const minutes = standing.get(section.id).left * scale(section.chapter);
      spent += minutes;
      // A minute's rounding is no reason to say that a plan does not fit.
      const fits = budget === null || spent <= budget * 60 + 0.5;
      stage.steps.push({ section, state: standing.get(section.id).state, minutes, ends: spent / 60, fits });
      stage.hours += minutes / 60;
      stage.ends = spent / 60;
      stage.fits &&= fits;
    }
    return found;
  }

  function plan(found, budget, more) {
    const steps = found.flatMap((stage) => stage.steps);
    const fitting = steps.filter((step) => step.fits);
    return {
      budget, stages: found, steps, hours: steps.reduce((sum, step) => sum + step.minutes, 0) / 60,
      fits: fitting.length === steps.length, reached: fitting.at(-1) ?? null,
      skipped: [], granted: [], helps: [], nearer: null, stop: null, ...more,
    };
  }

  /** The shortest way to a chapter or a section. */
  function planTo(id, budget = null) {
    const targets = resolve(id);
    const goal = chapters.get(targets[0].chapter);
    const found = stages(closure(targets), budget);
    const made = plan(found, budget, { goal, target: id === goal.id ? null : byId.get(id) });
    const onWay = new Set(found.map((stage) => stage.chapter.id));
    const parts = new Set(found.map((stage) => stage.chapter.part));
    made.skipped = inOrder.slice(0, inOrder.indexOf(goal))
      .filter((chapter) => parts.has(chapter.part) && !onWay.has(chapter.id) && !isAllDone(chapter));
    const helpers = found.filter((stage) => stage.steps.length).flatMap((stage) => stage.chapter.helped_by);
    made.helps = [...new Set(helpers)].map((name) => chapters.get(name))
      .filter((chapter) => chapter && !onWay.has(chapter.id) && !isAllDone(chapter));
    if (!made.fits) made.nearer = nearer(found, budget);
    return made;
  }

  /** The goal on the way that uses most of the hours there are: a chapter, or else a section. */
  function nearer(found, budget) {
    const open = found.filter((stage) => stage.steps.length);
    const whole = open.map((stage) => ({ id: stage.chapter.id, targets: resolve(stage.chapter.id) }));
    const parts = open.flatMap((stage) => stage.steps.map((step) => ({ id: step.section.id, targets: [step.section] })));
    for (const goals of [whole, parts]) {
      let best = null;
      for (const { id, targets } of goals) {
        const hours = closure(targets).reduce((sum, one) => sum + standing.get(one.id).left, 0) / 60;
        if (hours > 0 && hours <= budget && hours > (best?.hours ?? 0)) best = { id, hours };
      }
      if (best) return best;
    }
    return null;
  }

  /** A named route: its chapters, in its order, and nothing else. */
  function planRoute(id, budget = null) {
    const route = data.routes.find((one) => one.id === id);
    const way = route.chapters.flatMap(resolve);
    const scale = (name) => (route.hours[name] ? route.hours[name] / chapters.get(name).hours : 1);
    const found = stages(way, budget, scale);
    const beyond = closure(way).filter((section) => !route.chapters.includes(section.chapter) && !isDone(section));
    const granted = [...new Set(beyond.map((section) => section.chapter))].map((name) => chapters.get(name));
    const fits = new Map(found.map((stage) => [stage.chapter.id, stage.fits]));
    const stop = route.stops.filter((one) => fits.get(one.after)).at(-1) ?? null;
    return plan(found, budget, { route, granted, stop });
  }

  // --- Three questions: study/routes/questions.py --------------------------------------------------------

  /** What can be started now: sections whose needs are all done, what was begun first. */
  function startable() {
    const found = data.chapters.map((chapter) => {
      const own = resolve(chapter.id);
      const begun = own.filter((section) => standing.get(section.id).state === BEGUN);
      const ready = own.filter((section) => !isDone(section) && needs(section).every(isDone));
      return { chapter, sections: unique([...begun, ...ready]), begun: begun.length > 0 };
    }).filter((one) => one.sections.length);
    return [...found.filter((one) => one.begun), ...found.filter((one) => !one.begun)];
  }

  /** Go out from some sections level by level; each is met once, at its smallest distance. */
  function levels(start, neighbours) {
    const seen = new Set(start.map((section) => section.id));
    const found = [];
    for (let level = start, distance = 0; level.length; distance += 1) {
      found.push(...level.map((section) => ({ section, distance })));
      level = unique(level.flatMap(neighbours)).filter((one) => !seen.has(one.id));
      for (const one of level) seen.add(one.id);
    }
    return found;
  }

  /** What needs a chapter or a section later: directly, and further on. */
  function purpose(id) {
    const asked = resolve(id);
    const found = levels(asked, neededBy);
    const direct = sorted(found.filter((one) => one.distance === 1).map((one) => one.section));
    const near = new Set([...asked, ...direct].map((section) => section.chapter));
    const beyond = sorted(found.filter((one) => one.distance > 1).map((one) => one.section));
    const further = [...new Set(beyond.map((one) => one.chapter))].filter((name) => !near.has(name));
    const helped = data.chapters.filter((one) => one.helped_by.includes(asked[0].chapter));
    return { direct, further: further.map((name) => chapters.get(name)), helped };
  }

  /** What supplies a chapter or a section: itself first, then the nearest; of equally near ones the latest. */
  function supplies(id) {
    return levels(resolve(id), needs)
      .sort((a, b) => a.distance - b.distance || byId.get(b.section.id).place - byId.get(a.section.id).place);
  }

  /** How the learner stands with a whole chapter. */
  function chapterState(chapter) {
    const states = sectionsOf.get(chapter.id).map((section) => standing.get(section.id).state);
    if (states.every((state) => state === DONE)) return DONE;
    return states.every((state) => state === OPEN) ? OPEN : BEGUN;
  }

  return {
    chapterNamed, chapterState, chapters, planRoute, planTo, purpose, resolve, sections: byId, standing, startable, supplies,
  };
};
