// The page "Your way": the plan, what can be started, what a chapter is for, where to go when stuck.
//
// The address holds what is chosen, so that it can be kept and passed on:
//   plan.html#goal=research/7&hours=24    plan.html#route=sprint    plan.html#about=ladder/13
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const data = window.DESCENT_COURSE;
  const record = window.descentRecord; // absent where the page stands alone: then nothing is done
  const SIGNS = { done: "done", begun: "begun", open: "todo" };
  const WORDS = { done: "done", begun: "in progress", open: "to do" };
  const find = (id) => document.getElementById(id);
  let planner = null, choice = null;

  // --- Words and elements ---------------------------------------------------------------------------

  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
      if (name.includes("-") || name === "href") element.setAttribute(name, value);
      else element[name] = value;
    }
    element.append(...children.flat().filter((child) => child !== null));
    return element;
  }

  const heading = (chapter) => `${chapter.mark} · ${chapter.title}`;
  const short = (id) => id.replace(/^(\w+\/\d+)_\w+/, "$1");
  const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

  function duration(hours) {
    const minutes = Math.round(hours * 60);
    return minutes < 60 ? `${minutes} min` : `${Number(hours.toFixed(1))} h`;
  }

  const address = (fields) => `#${Object.entries(fields).filter(([, value]) => value)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`).join("&")}`;

  function sign(state) {
    return make("span", { className: "sign", "data-state": SIGNS[state], "aria-hidden": "true" });
  }

  function inWords(state) {
    return make("span", { className: "visually-hidden" }, ` (${WORDS[state]})`);
  }

  /** A link to a chapter's page, or its name and what stands in for it. */
  function chapterLink(chapter) {
    return chapter.page ? make("a", { href: `../${chapter.page}` }, heading(chapter)) : make("span", {}, heading(chapter));
  }

  function sectionLink(section) {
    const chapter = planner.chapters.get(section.chapter);
    if (!chapter.page) return make("span", {}, section.heading);
    const anchor = section.anchor ? `#${section.anchor}` : "";
    return make("a", { href: `../${chapter.page}${anchor}` }, section.heading);
  }

  /** What to take while a chapter is not written. */
  function standIn(chapter) {
    const { resource } = chapter;
    if (chapter.stands || !resource) return null;
    const title = resource.url ? make("a", { href: resource.url }, resource.title) : make("cite", {}, resource.title);
    return make("span", { className: "note" }, "Not written yet. Until then: ", title, `. Do: ${resource.read}. Skip: ${resource.skip}.`);
  }

  function listed(items) {
    return make("ul", { className: "plan-list" }, items);
  }

  /** Chapters in a row, each a link to what is said about it below. */
  function inARow(chapters) {
    return chapters.flatMap((chapter, i) => [
      i ? ", " : "", make("a", { href: address({ ...choice, about: short(chapter.id) }) }, heading(chapter)),
    ]);
  }

  // --- What is chosen -----------------------------------------------------------------------------------

  const FIELDS = ["goal", "route", "hours", "known", "about"];

  /** Read the address; a slip in it is told beside the form. */
  function chosen() {
    const given = new URLSearchParams(window.location.hash.slice(1).replaceAll("+", "%2B"));
    return Object.fromEntries(FIELDS.map((name) => [name, given.get(name)?.trim() ?? ""]));
  }

  /** Hours as a number; null where nothing is said. */
  function hoursFrom(text) {
    if (!text.trim()) return { hours: null };
    const hours = Number(text.trim().replace(",", ".").replace(/\s*h(ours?)?$/, ""));
    if (Number.isFinite(hours) && hours > 0) return { hours };
    return { problem: `“${text}” is no number of hours above zero. Write it like 24 or 1.5, or leave the field empty.` };
  }

  /** The id of a goal, `research/7` or `ladder/13#attention`; null where the course has none such. */
  function goalNamed(name) {
    const [chapterName, section] = name.split("#");
    const chapter = planner.chapterNamed(chapterName);
    if (!chapter) return null;
    if (!section) return chapter.id;
    const id = `${chapter.id}#${section}`;
    return planner.sections.has(id) ? id : null;
  }

  function lastPlan() {
    const last = record?.events().filter((event) => event.kind === "plan").at(-1)?.data ?? {};
    return { goal: "", route: "", known: "", about: "", ...Object.fromEntries(
      FIELDS.filter((name) => last[name]).map((name) => [name, String(last[name])])), hours: last.hours ? String(last.hours) : "" };
  }

  // --- The plan ------------------------------------------------------------------------------------------

  function makePlan() {
    const { hours, problem } = hoursFrom(choice.hours);
    wrong("plan-hours", problem);
    if (choice.route && !data.routes.some((route) => route.id === choice.route)) {
      return wrong("plan-goal", `There is no route “${choice.route}”. Choose one from the list.`);
    }
    const goal = choice.goal && goalNamed(choice.goal);
    if (choice.goal && !goal) {
      return wrong("plan-goal", `There is no chapter “${choice.goal}”. Choose one from the list.`);
    }
    wrong("plan-goal");
    if (problem) return null;
    if (choice.route && data.routes.find((route) => route.id === choice.route).chapters.length) {
      return planner.planRoute(choice.route, hours);
    }
    return goal ? planner.planTo(goal, hours) : null;
  }

  function wrong(id, problem = "") {
    find(`${id}-wrong`).textContent = problem;
    find(id).setAttribute("aria-invalid", String(problem !== ""));
    return null;
  }

  function summary(plan) {
    const left = plan.stages.filter((stage) => stage.steps.length).length;
    const done = plan.stages.reduce((sum, stage) => sum + stage.done.length, 0);
    const words = [];
    if (!plan.steps.length) return "Everything on this way is done.";
    words.push(`${count(left, "chapter")}, ${count(plan.steps.length, "section")} and about ${duration(plan.hours)} are left.`);
    if (done) words.push(`${count(done, "section")} on this way ${done === 1 ? "is" : "are"} done.`);
    if (plan.budget === null) return words.join(" ");
    if (plan.fits) words.push(`It fits into your ${duration(plan.budget)}.`);
    else if (!plan.reached) words.push(`Your ${duration(plan.budget)} end within its first section.`);
    else words.push(`Your ${duration(plan.budget)} end after “${plan.reached.section.heading}” in `
      + `${heading(planner.chapters.get(plan.reached.section.chapter))}; ${duration(plan.hours - plan.reached.ends)} lie beyond.`);
    if (plan.stop) words.push(`You may stop after ${heading(planner.chapters.get(plan.stop.after))}: you then have ${plan.stop.with}.`);
    return words.join(" ");
  }

  function title(plan) {
    if (plan.route) return plan.route.title;
    return `To ${heading(plan.goal)}${plan.target ? `, “${plan.target.heading}”` : ""}`;
  }

  function showPlan() {
    const opened = new Set([...document.querySelectorAll("#plan-result details[open]")].map((one) => one.dataset.chapter));
    const plan = makePlan();
    const onWay = plan ? new Set(plan.stages.map((stage) => stage.chapter.id)) : new Set();
    const states = new Map(data.chapters.map((chapter) => [chapter.id, SIGNS[planner.chapterState(chapter)]]));
    map.show(states, onWay, plan?.goal?.id ?? null);
    find("plan-title").hidden = !plan;
    find("plan-title").textContent = plan ? title(plan) : "";
    find("plan-say").textContent = plan ? summary(plan) : "";
    find("plan-result").replaceChildren(...(plan ? planParts(plan, opened) : routes()));
  }

  function planParts(plan, opened) {
    const ends = plan.fits ? null : plan.steps.find((step) => !step.fits);
    return [
      plan.route ? make("p", {}, `For you if ${plan.route.for}.`) : null,
      plan.steps.length ? bar(plan) : null,
      nearer(plan),
      known(),
      make("ol", { className: "plan-chapters" }, plan.stages.flatMap((stage) => stageItems(stage, plan, ends, opened))),
      ...reasons(plan),
    ].filter(Boolean);
  }

  /** The routes, where nothing is chosen yet. */
  function routes() {
    return [listed(data.routes.filter((route) => route.chapters.length).map((route) => make("li", {}, make("span", {},
      make("a", { href: address({ route: route.id, known: choice.known }) }, route.title),
      make("span", { className: "why" }, `: for you if ${route.for}.`)))))];
  }

  /** The hours of the plan as a bar, with a mark where the budget ends. The words above say the same. */
  function bar(plan) {
    const parts = plan.stages.filter((stage) => stage.steps.length).map((stage) => make("span", {
      className: "plan-bar-part", "data-state": SIGNS[planner.chapterState(stage.chapter)],
      style: `left:${100 * (stage.ends - stage.hours) / plan.hours}%;width:${100 * stage.hours / plan.hours}%`,
    }));
    if (plan.budget !== null && !plan.fits) {
      const share = 100 * plan.budget / plan.hours;
      parts.push(make("span", { className: `plan-bar-end ${share > 75 ? "late" : share < 20 ? "early" : ""}`, style: `left:${share}%` },
        make("span", {}, `your ${duration(plan.budget)}`)));
    }
    return make("div", { className: "plan-bar", "aria-hidden": "true" }, parts);
  }

  function nearer(plan) {
    if (!plan.nearer) return null;
    const [section] = planner.resolve(plan.nearer.id);
    const chapter = planner.chapters.get(section.chapter);
    const name = plan.nearer.id === chapter.id ? heading(chapter) : `“${section.heading}” in ${heading(chapter)}`;
    const link = make("a", { href: address({ ...choice, route: "", goal: short(plan.nearer.id), about: "" }) }, name);
    return make("p", {}, "A goal on this way that fits: ", link, ` (${duration(plan.nearer.hours)}).`);
  }

  /** What the learner said they know, and how to take it back. */
  function known() {
    const chapters = knownChapters();
    if (!chapters.length) return null;
    const links = chapters.flatMap((chapter, i) => [
      i ? ", " : "", heading(chapter), " ",
      make("a", { href: address({ ...choice, known: withoutKnown(chapter) }), "aria-label": `I do not know ${heading(chapter)}` }, "take back"),
    ]);
    return make("p", {}, "You said that you know ", links, ".");
  }

  const knownChapters = () => choice.known.split(",").map((name) => planner.chapterNamed(name.trim())).filter(Boolean);
  const withoutKnown = (chapter) => knownChapters().filter((one) => one !== chapter).map((one) => short(one.id)).join(",");
  const withKnown = (chapter) => [...knownChapters(), chapter].map((one) => short(one.id)).join(",");

  function stageItems(stage, plan, ends, opened) {
    const here = ends && stage.steps.includes(ends);
    const atStart = here && stage.steps[0] === ends;
    const end = (tag) => make(tag, { className: "plan-end" }, `your ${duration(plan.budget)} end here`);
    const state = planner.chapterState(stage.chapter);
    const item = make("li", { "data-chapter": stage.chapter.id },
      make("div", { className: "plan-chapter" },
        sign(state),
        make("span", { className: "name" }, chapterLink(stage.chapter), inWords(state)),
        make("span", { className: "hours" }, stage.steps.length ? duration(stage.hours) : ""),
        make("span", { className: "until" }, stage.steps.length ? make("span", { className: "visually-hidden" }, "until hour ") : null,
          stage.steps.length ? duration(stage.ends) : "done"),
        standIn(stage.chapter)),
      stageSections(stage, here && !atStart ? end : null, ends, opened));
    return atStart ? [end("li"), item] : [item];
  }

  /** The sections of a chapter that the way has, and what it leaves out of it. */
  function stageSections(stage, end, ends, opened) {
    const { chapter, steps, done, skipped } = stage;
    const actions = make("p", { className: "plan-more" }, make("a", { href: address({ ...choice, about: short(chapter.id) }) }, "What it is for"),
      ...(steps.length ? [" · ", make("a", { href: address({ ...choice, known: withKnown(chapter) }) }, "I know this already")] : []));
    if (planner.resolve(chapter.id)[0].id === chapter.id) return actions;
    const words = [steps.length ? `${count(steps.length, "section")} to do` : "",
      done.length ? `${done.length} done` : "", skipped.length ? `${skipped.length} left out` : ""];
    const rows = [...steps.map((step) => ({ section: step.section, step })), ...done.map((section) => ({ section }))]
      .sort((a, b) => planner.sections.get(a.section.id).place - planner.sections.get(b.section.id).place);
    return make("details", { "data-chapter": chapter.id, open: end !== null || opened.has(chapter.id) },
      make("summary", {}, words.filter(Boolean).join(", ")),
      make("ul", {}, rows.flatMap(({ section, step }) => sectionItems(section, step, step === ends ? end : null))),
      skipped.length ? make("p", {}, "Left out, because nothing on this way needs it: ", skipped.map((one) => one.heading).join("; "), ".") : null,
      actions);
  }

  function sectionItems(section, step, end) {
    const state = step?.state ?? "done";
    const item = make("li", { className: "plan-section" },
      sign(state),
      make("span", {}, sectionLink(section), inWords(state)),
      make("span", { className: "hours" }, step ? duration(step.minutes / 60) : ""),
      make("span", { className: "until" }, step ? duration(step.ends) : ""));
    return end ? [end("li"), item] : [item];
  }

  /** What the way leaves out, and why. */
  function reasons(plan) {
    const groups = [
      [plan.skipped.filter((chapter) => !plan.helps.includes(chapter)), "Nothing on this way needs these, though they stand before its end"],
      [plan.helps, "These would make it easier, and you can do without"],
      [plan.granted, "The route takes these for granted: something on it needs them, and it has no room for them"],
    ].filter(([chapters]) => chapters.length);
    if (!groups.length) return [];
    return [
      make("h3", {}, "What this leaves out, and why"),
      listed(groups.map(([chapters, why]) => make("li", {}, make("span", {}, make("span", { className: "why" }, `${why}: `), inARow(chapters), ".")))),
    ];
  }

  // --- What can be started, what a chapter is for -------------------------------------------------------------

  function showStartable() {
    find("plan-open").replaceChildren(listed(planner.startable().map(({ chapter, sections, begun }) => {
      const [first] = sections;
      const place = first.id === chapter.id ? null : make("span", {}, begun ? "go on with " : "begin with ", sectionLink(first));
      return make("li", {}, sign(begun ? "begun" : "open"), make("span", {},
        make("strong", {}, chapterLink(chapter)), inWords(begun ? "begun" : "open"), place ? ": " : "", place,
        make("br"), make("span", { className: "why" }, `For ${chapter.purpose}.`), standIn(chapter) ? " " : null, standIn(chapter)));
    })));
  }

  function showAbout(goThere) {
    const panel = find("plan-about");
    const chapter = choice.about ? planner.chapterNamed(choice.about) : null;
    panel.hidden = !chapter;
    if (!chapter) return;
    panel.replaceChildren(...aboutParts(chapter));
    if (goThere) {
      panel.scrollIntoView({ block: "start" });
      panel.querySelector("h3").focus({ preventScroll: true });
    }
  }

  function aboutParts(chapter) {
    const { direct, further, helped } = planner.purpose(chapter.id);
    const state = planner.chapterState(chapter);
    const toIt = make("a", { className: "plan-to", href: address({ ...choice, route: "", goal: short(chapter.id), about: "" }) }, "Plan a way to it");
    const knows = knownChapters().includes(chapter);
    const knowing = make("a", { href: address({ ...choice, known: knows ? withoutKnown(chapter) : withKnown(chapter) }) },
      knows ? "I do not know it after all" : "I know this already");
    return [
      make("h3", { tabIndex: -1 }, heading(chapter)),
      make("p", {}, `${WORDS[state][0].toUpperCase()}${WORDS[state].slice(1)}. ${duration(chapter.hours)}. For ${chapter.purpose}.`),
      standIn(chapter) ? make("p", {}, standIn(chapter)) : null,
      make("p", { className: "plan-actions" }, toIt, chapter.page ? make("a", { href: `../${chapter.page}` }, "Open its page") : null, knowing),
      make("p", {}, ...neededFirst(chapter)),
      ...sectionPurposes(chapter),
      make("h4", {}, "What needs it later"),
      direct.length ? listed(grouped(direct)) : make("p", {}, "Nothing in the course: it is an end in itself."),
      further.length ? make("p", {}, "Through these, further on: ", inARow(further), ".") : null,
      helped.length ? make("p", {}, "It makes easier: ", inARow(helped), ".") : null,
    ].filter(Boolean);
  }

  function neededFirst(chapter) {
    const names = planner.resolve(chapter.id).flatMap((section) => section.needs.flatMap(planner.resolve));
    const chapters = [...new Set(names.map((section) => section.chapter))].filter((id) => id !== chapter.id);
    if (!chapters.length) return ["It needs nothing of the course."];
    return ["It needs: ", ...inARow(chapters.map((id) => planner.chapters.get(id))), "."];
  }

  function sectionPurposes(chapter) {
    const own = planner.resolve(chapter.id);
    if (own[0].id === chapter.id) return [];
    return [
      make("h4", {}, "What its sections are for"),
      listed(own.map((section) => make("li", {}, sign(planner.standing.get(section.id).state),
        make("span", {}, sectionLink(section), inWords(planner.standing.get(section.id).state), ": ", make("span", { className: "why" }, section.for))))),
    ];
  }

  /** Sections by chapter: the chapter, then those of its sections that are meant. */
  function grouped(sections) {
    const ids = [...new Set(sections.map((section) => section.chapter))];
    return ids.map((id) => {
      const chapter = planner.chapters.get(id);
      const own = sections.filter((section) => section.chapter === id && section.id !== id);
      const links = own.flatMap((section, i) => [i ? ", " : ": ", sectionLink(section)]);
      return make("li", {}, sign(planner.chapterState(chapter)),
        make("span", {}, make("strong", {}, chapterLink(chapter)), inWords(planner.chapterState(chapter)), links));
    });
  }

  // --- Stuck -----------------------------------------------------------------------------------------------

  function offerSections(id) {
    const select = find("stuck-section");
    const own = planner.resolve(id);
    const options = own[0].id === id ? [] : own.map((section) => make("option", { value: section.id }, section.heading));
    select.replaceChildren(make("option", { value: id }, options.length ? "any of it" : "all of it"), ...options);
    select.disabled = !options.length;
    showSupplies(id);
  }

  function showSupplies(id) {
    const found = planner.supplies(id).filter((one) => one.distance > 0);
    const at = (distance) => found.filter((one) => one.distance === distance).map((one) => one.section);
    const beyond = found.filter((one) => one.distance > 2).map((one) => one.section);
    find("stuck-result").replaceChildren(...[
      ...supplied("It stands on", at(1)),
      ...supplied("And these on", at(2)),
      beyond.length ? make("details", {}, make("summary", {}, `${count(beyond.length, "section")} further back`), listed(beyond.map(supplyItem))) : null,
      found.length ? null : make("p", {}, "It needs nothing of the course: read it again from its start, and open the first hint."),
    ].filter(Boolean));
  }

  function supplied(title, sections) {
    return sections.length ? [make("h4", {}, title), listed(sections.map(supplyItem))] : [];
  }

  function supplyItem(section) {
    const chapter = planner.chapters.get(section.chapter);
    const { state } = planner.standing.get(section.id);
    const whole = section.id === chapter.id;
    return make("li", {}, sign(state), make("span", {},
      make("strong", {}, whole ? chapterLink(chapter) : sectionLink(section)), inWords(state),
      whole ? null : ` in ${heading(chapter)}`, make("br"), make("span", { className: "why" }, whole ? `For ${section.for}.` : section.for),
      standIn(chapter) ? " " : null, standIn(chapter)));
  }

  // --- The page ----------------------------------------------------------------------------------------------

  function read() {
    const events = record?.events() ?? [];
    planner = window.descentPlanner(data, events);
    const known = knownChapters().map((chapter) => chapter.id);
    if (known.length) planner = window.descentPlanner(data, events, known);
  }

  function show(goThere = false) {
    choice = window.location.hash.length > 1 ? chosen() : lastPlan();
    read();
    showPlan();
    showStartable();
    showAbout(goThere);
  }

  function fillForm() {
    goalField.set(choice.route || (choice.goal && (goalNamed(choice.goal) ?? choice.goal)));
    find("plan-hours").value = choice.hours;
  }

  function submit(event) {
    event.preventDefault();
    const wanted = goalField.value();
    const { hours, problem } = hoursFrom(find("plan-hours").value);
    wrong("plan-hours", problem);
    if (wanted === null || problem) return (wanted === null ? find("plan-goal") : find("plan-hours")).focus();
    const isRoute = data.routes.some((route) => route.id === wanted);
    const made = isRoute ? { route: wanted } : { goal: short(wanted) };
    const known = choice.known ? { known: choice.known } : {};
    window.location.hash = address({ ...made, hours: hours ?? "", ...known });
    record?.add("plan", "", "", { ...made, ...(hours === null ? {} : { hours }), ...known });
  }

  const parts = [...new Set(data.chapters.map((chapter) => chapter.part))];
  const chapterOptions = data.chapters.map((chapter) => ({
    value: chapter.id, text: heading(chapter), group: find(`map-${chapter.id}`).closest("ul").previousElementSibling.textContent,
    words: `${chapter.mark}|${short(chapter.id)}|${chapter.id}|${chapter.title}|${chapter.teaches.join("|")}`,
  })).sort((a, b) => parts.indexOf(a.value.split("/")[0]) - parts.indexOf(b.value.split("/")[0]));
  const routeOptions = data.routes.filter((route) => route.chapters.length)
    .map((route) => ({ value: route.id, text: route.title, group: "Routes", words: `${route.id}|${route.id} route` }));

  choice = { goal: "", route: "", hours: "", known: "", about: "" };
  read();
  const map = window.descentMap((id) => address({ ...choice, about: short(id) }));
  const goalField = window.descentChoice(find("plan-goal"), [...routeOptions, ...chapterOptions]);
  const stuckField = window.descentChoice(find("stuck-chapter"), chapterOptions, offerSections);
  find("stuck-section").addEventListener("change", (event) => showSupplies(event.target.value));
  find("stuck-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = stuckField.value();
    if (id !== null) offerSections(id);
  });
  find("plan-form").addEventListener("submit", submit);
  find("plan-form").hidden = find("stuck-form").hidden = false;
  show(window.location.hash.includes("about="));
  fillForm();
  window.addEventListener("hashchange", () => {
    const { about } = chosen();
    show(about !== "" && about !== choice.about);
    fillForm();
  });
  if (record?.watch) record.watch(() => show());
});
