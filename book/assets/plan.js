// The page "Your way": the plan, what can be started, what a chapter is for, where to go when stuck.
//
// The address holds what is chosen, so that it can be kept and passed on:
//   plan.html#goal=research/7&hours=24    plan.html#route=sprint    plan.html#about=ladder/13
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const data = window.DESCENT_COURSE;
  const record = window.descentRecord; // absent where the page stands alone: then nothing is done
  const presentName = record?.presentName ?? ((name) => name); // records keep the names that things had
  const SIGNS = { done: "done", begun: "begun", open: "todo" };
  const WORDS = { done: "done", begun: "in progress", open: "to do" };
  const find = (id) => document.getElementById(id);
  let planner = null, choice = null;

  // --- Words and elements ---------------------------------------------------------------------------

  const { element, plural } = window.descentPage;

  /** An element whose children may come as lists, and of which some may be absent. */
  function make(tag, properties, ...children) {
    return element(tag, properties ?? {}, ...children.flat().filter((child) => child !== null));
  }

  const heading = (chapter) => `${chapter.mark} · ${chapter.title}`;
  const short = (id) => id.replace(/^(\w+\/\d+)_\w+/, "$1");

  /** A time as a person would say it: `40 min`, `1 h 05`, `24 h`. */
  function duration(hours) {
    const minutes = Math.round(hours * 60);
    if (minutes < 60) return `${minutes} min`;
    const rest = minutes % 60;
    return `${Math.floor(minutes / 60)} h${rest ? ` ${String(rest).padStart(2, "0")}` : ""}`;
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

  /** A link to what is said about a chapter on this page. */
  function aboutLink(chapter) {
    return make("a", { href: address({ ...asked(), about: short(chapter.id) }) }, heading(chapter));
  }

  const inARow = (chapters) => chapters.flatMap((chapter, i) => [i ? ", " : "", aboutLink(chapter)]);

  /** What links on this page keep of the choice. */
  const asked = () => ({
    goal: choice.goal, route: choice.route, hours: choice.hours, known: choice.knownHere ? choice.known.join(",") : "",
  });

  // --- What is chosen -----------------------------------------------------------------------------------

  /** Whether the address leads to a heading of this page, and so says nothing of a plan. */
  const isAnchor = () => /^#[^=]+$/.test(window.location.hash);

  /** Read the address. What the learner knows is the record's where the address does not say. */
  function chosen() {
    if (isAnchor() && choice) return { ...choice, known: choice.knownHere ? choice.known : lastPlan().known };
    const given = new URLSearchParams(window.location.hash.slice(1).replaceAll("+", "%2B"));
    const text = (name) => given.get(name)?.trim() ?? "";
    const last = lastPlan();
    const asked = given.has("goal") || given.has("route");
    const known = given.has("known") ? text("known").split(",").filter(Boolean) : last.known;
    const plan = asked ? { goal: text("goal"), route: text("route"), hours: text("hours") } : last.plan;
    return { ...plan, known, knownHere: given.has("known"), about: text("about") };
  }

  /** The plan that was chosen last, here or in the terminal, as far as the course still has it. */
  function lastPlan() {
    const data = record?.events().filter((event) => event.kind === "plan").at(-1)?.data ?? {};
    const goal = typeof data.goal === "string" ? short(goalNamed(data.goal) ?? "") : "";
    const route = goal === "" && routeNamed(data.route) ? data.route : "";
    const known = Array.isArray(data.known) ? data.known.filter((name) => typeof name === "string") : [];
    return { plan: { goal, route, hours: data.hours > 0 ? String(data.hours) : "" }, known };
  }

  /** Hours as a number; null where nothing is said. */
  function hoursFrom(text) {
    if (!text.trim()) return { hours: null };
    const hours = Number(text.trim().replace(",", ".").replace(/\s*h(ours?)?$/, ""));
    if (hours > 100000) return { problem: `“${text}” is too many hours. Write 24 or 1.5, or leave it empty.` };
    if (hours > 0) return { hours };
    return { problem: `“${text}” is no number of hours above zero. Write 24 or 1.5, or leave it empty.` };
  }

  /** The id of a goal, `research/7` or `ladder/13#attention`; null where the course has none such. */
  function goalNamed(name) {
    const [chapterName, sectionName] = name.split("#");
    const chapter = planner.chapterNamed(presentName(chapterName));
    if (!chapter) return null;
    if (!sectionName) return chapter.id;
    const id = presentName(`${chapter.id}/${sectionName}`).replace(`${chapter.id}/`, `${chapter.id}#`);
    return planner.sections.has(id) ? id : null;
  }

  /** A route that can be planned: `backwards` is planned from a goal. */
  const routeNamed = (name) => data.routes.find((route) => route.id === name && route.chapters.length);

  /** Keep what was chosen, as `descent plan` keeps it. */
  function keep({ goal, route, hours, known }) {
    const name = route ? { route } : { goal: goal ? goalNamed(goal) : "" };
    const plan = { ...name, hours: hoursFrom(hours).hours ?? null, known };
    const last = record?.events().filter((event) => event.kind === "plan").at(-1)?.data;
    if (JSON.stringify(plan) !== JSON.stringify(last)) record?.add("plan", "", "", plan);
  }

  // --- The plan ------------------------------------------------------------------------------------------

  function makePlan() {
    const { hours, problem } = hoursFrom(choice.hours);
    wrong("plan-hours", problem);
    if (choice.route && !routeNamed(choice.route)) {
      return wrong("plan-goal", `There is no route “${choice.route}” to follow. Choose one from the list.`);
    }
    const goal = choice.goal && goalNamed(choice.goal);
    if (choice.goal && !goal) {
      return wrong("plan-goal", `There is no chapter “${choice.goal}”. Choose one from the list.`);
    }
    wrong("plan-goal");
    if (problem) return null;
    if (choice.route) return planner.planRoute(choice.route, hours);
    return goal ? planner.planTo(goal, hours) : null;
  }

  function wrong(id, problem = "") {
    find(`${id}-wrong`).textContent = problem;
    find(id).setAttribute("aria-invalid", String(problem !== ""));
    return null;
  }

  /** How long the way is, and how it stands beside the hours. `descent plan` says it in these words. */
  function summary(plan) {
    if (!plan.steps.length) return "All of it is done.";
    const left = plan.stages.filter((stage) => stage.steps.length).length;
    const size = `${plural(plan.steps.length, "section")} in ${plural(left, "chapter")}`;
    const takes = `${plan.route ? "The route" : "The shortest way"} takes ${duration(plan.hours)}: ${size}.`;
    if (plan.budget === null) return takes;
    if (plan.fits) return `${takes} It fits, with ${duration(Math.max(0, plan.budget - plan.hours))} to spare.`;
    return `${takes} ${reach(plan)}`;
  }

  function reach(plan) {
    const hours = duration(plan.budget);
    if (!plan.reached) {
      const [first] = plan.steps;
      return `${hours} do not carry you to the end of the first section, “${first.section.heading}”, which takes ${duration(first.ends)}.`;
    }
    const { section } = plan.reached;
    const chapter = heading(planner.chapters.get(section.chapter));
    const stage = plan.stages.find((one) => one.steps.includes(plan.reached));
    const place = stage.steps.at(-1) === plan.reached ? `to the end of ${chapter}` : `into ${chapter}, to the end of “${section.heading}”`;
    const stop = plan.stop ? ` A good place to stop is after ${heading(planner.chapters.get(plan.stop.after))}: ${plan.stop.with}.` : "";
    return `${hours} carry you ${place}.${stop}`;
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
      make("a", { href: address({ ...asked(), goal: "", route: route.id }) }, route.title),
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
    const link = make("a", { href: address({ ...asked(), route: "", goal: short(plan.nearer.id) }) }, name);
    return make("p", {}, "What fits is ", link, `, ${duration(plan.nearer.hours)}.`);
  }

  /** What the learner said they know, and how to take it back. */
  function known() {
    if (!choice.known.length) return null;
    const names = choice.known.flatMap((name, i) => [i ? ", " : "", nameOf(name), " ", knowing([name], false, "take back")]);
    return make("p", {}, "You said that you know ", names, ".");
  }

  /** What a learner knows, in words: a chapter or a section, or the name as it is where the course has none. */
  function nameOf(name) {
    const [section] = planner.resolve(goalNamed(name) ?? name);
    if (!section) return name;
    const chapter = planner.chapters.get(section.chapter);
    return name.includes("#") ? `“${section.heading}” in ${heading(chapter)}` : heading(chapter);
  }

  /** A button that says of something that the learner knows it, or does not after all. */
  function knowing(names, knows, label) {
    const button = make("button", { type: "button", className: "plan-know", "aria-label": `${label}: ${names.map(nameOf).join(", ")}` }, label);
    button.addEventListener("click", () => {
      const others = choice.known.filter((name) => !names.includes(name));
      choice.known = knows ? [...others, ...names] : others;
      keep(choice);
      window.history.replaceState(null, "", address({ ...asked(), known: record && !choice.knownHere ? "" : choice.known.join(",") }));
      show();
      find("plan-say").scrollIntoView({ block: "nearest" });
    });
    return button;
  }

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
    const actions = make("p", { className: "plan-more" }, make("a", { href: address({ ...asked(), about: short(chapter.id) }) }, "What it is for"),
      ...(steps.length ? [" · ", knowing([chapter.id], true, "I know this already")] : []));
    if (planner.resolve(chapter.id)[0].id === chapter.id) return actions;
    const words = [steps.length ? `${plural(steps.length, "section")} to do` : "",
      done.length ? `${done.length} done` : "", skipped.length ? `${skipped.length} can wait` : ""];
    const rows = [...steps.map((step) => ({ section: step.section, step })), ...done.map((section) => ({ section }))]
      .sort((a, b) => planner.sections.get(a.section.id).place - planner.sections.get(b.section.id).place);
    return make("details", { "data-chapter": chapter.id, open: end !== null || opened.has(chapter.id) },
      make("summary", {}, words.filter(Boolean).join(", ")),
      make("ul", {}, rows.flatMap(({ section, step }) => sectionItems(section, step, step === ends ? end : null))),
      skipped.length ? make("p", {}, "Can wait, since nothing on this way needs it: ", skipped.map((one) => one.heading).join("; "), ".") : null,
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
    const idle = plan.skipped.filter((chapter) => !plan.helps.includes(chapter));
    return [
      ...reason("Left out, and what it is for instead", "Nothing on this way needs these.", idle),
      ...reason("Would help", "These make it easier, and can be done without.", plan.helps),
      ...reason("Taken for granted", "Something on this route needs these, and it has no room for them. Not yours yet? Plan a way to the last of them.", plan.granted),
    ];
  }

  function reason(title, why, chapters) {
    if (!chapters.length) return [];
    const items = chapters.map((chapter) => make("li", {}, sign(planner.chapterState(chapter)),
      make("span", {}, aboutLink(chapter), make("span", { className: "why" }, `: ${chapter.purpose} (${duration(chapter.hours)})`))));
    return [make("h3", {}, title), make("p", {}, why), ...shortened(items, 3)];
  }

  /** A list whose end is folded where it is long. */
  function shortened(items, most) {
    if (items.length <= most + 1) return [listed(items)];
    return [listed(items.slice(0, most)), make("details", {}, make("summary", {}, `and ${items.length - most} more`), listed(items.slice(most)))];
  }

  // --- What can be started, what a chapter is for -------------------------------------------------------------

  function showStartable() {
    const items = planner.startable().map(({ chapter, sections, begun }) => {
      const [first] = sections;
      const place = first.id === chapter.id ? null : make("span", {}, begun ? "go on with " : "begin with ", sectionLink(first));
      return make("li", {}, sign(begun ? "begun" : "open"), make("span", {},
        make("strong", {}, chapterLink(chapter)), inWords(begun ? "begun" : "open"), place ? ": " : "", place,
        make("br"), make("span", { className: "why" }, `For ${chapter.purpose}.`), standIn(chapter) ? " " : null, standIn(chapter)));
    });
    find("plan-open").replaceChildren(...(items.length ? shortened(items, 6) : [make("p", {}, "Every chapter is done.")]));
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
    const toIt = make("a", { href: address({ ...asked(), route: "", goal: short(chapter.id) }) }, "Plan a way to it");
    const knows = choice.known.some((name) => planner.chapterNamed(name) === chapter);
    const know = state === "done" && !knows ? null
      : knowing([chapter.id], !knows, knows ? "I do not know it after all" : "I know this already");
    return [
      make("h3", { tabIndex: -1 }, heading(chapter)),
      make("p", {}, `${WORDS[state][0].toUpperCase()}${WORDS[state].slice(1)}. ${duration(chapter.hours)}. For ${chapter.purpose}.`),
      standIn(chapter) ? make("p", {}, standIn(chapter)) : null,
      make("p", { className: "plan-actions" }, toIt, chapter.page ? make("a", { href: `../${chapter.page}` }, "Open its page") : null, know),
      make("p", {}, ...neededFirst(chapter)),
      ...sectionPurposes(chapter),
      make("h4", {}, "What needs it later"),
      direct.length ? listed(grouped(direct)) : make("p", {}, "No other chapter needs it: it is an end in itself."),
      further.length ? make("p", {}, "Through these, further on: ", inARow(further), ".") : null,
      helped.length ? make("p", {}, "It makes easier: ", inARow(helped), ".") : null,
    ].filter(Boolean);
  }

  function neededFirst(chapter) {
    const needs = new Set(planner.supplies(chapter.id).filter((one) => one.distance === 1).map((one) => one.section.chapter));
    const chapters = data.chapters.filter((one) => needs.has(one.id) && one !== chapter);
    if (!chapters.length) return ["It needs nothing of the course."];
    return ["It needs: ", ...inARow(chapters), "."];
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
        make("span", {}, make("strong", {}, chapter.page ? chapterLink(chapter) : aboutLink(chapter)),
          inWords(planner.chapterState(chapter)), links));
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
      ...supplied("And that on", at(2)),
      beyond.length ? make("details", {}, make("summary", {}, `${plural(beyond.length, "section")} further back`), listed(beyond.map(supplyItem))) : null,
      found.length ? null : make("p", {}, "It needs nothing that this course teaches. Read it again from its start, and open its first hint."),
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

  function show(goThere = false) {
    const events = record?.events() ?? [];
    planner = window.descentPlanner(data, events);
    choice = chosen();
    choice.known = [...new Set(choice.known.map((name) => goalNamed(name) ?? name))];
    if (choice.known.length) planner = window.descentPlanner(data, events, choice.known);
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
    const made = { goal: routeNamed(wanted) ? "" : short(wanted), route: routeNamed(wanted) ? wanted : "", hours: hours === null ? "" : String(hours) };
    keep({ ...made, known: choice.known });
    window.location.hash = address({ ...asked(), ...made });
  }

  const parts = [...new Set(data.chapters.map((chapter) => chapter.part))];
  const chapterOptions = data.chapters.map((chapter) => ({
    value: chapter.id, text: heading(chapter), group: find(`map-${chapter.id}`).closest("ul").previousElementSibling.textContent,
    words: `${chapter.mark}|${short(chapter.id)}|${chapter.id}|${chapter.title}|${chapter.teaches.join("|")}`,
  })).sort((a, b) => parts.indexOf(a.value.split("/")[0]) - parts.indexOf(b.value.split("/")[0]));
  const markOf = new Map(data.chapters.map((chapter) => [chapter.id, chapter.mark]));
  const sectionOptions = data.sections.map((section) => ({
    value: section.id, text: `${section.heading}, in ${markOf.get(section.chapter)}`, group: "Sections", words: short(section.id), quiet: true,
  }));
  const routeOptions = data.routes.filter((route) => route.chapters.length)
    .map((route) => ({ value: route.id, text: route.title, group: "Routes", words: `${route.id}|${route.id} route` }));

  const map = window.descentMap((id) => address({ ...asked(), about: short(id) }));
  const goalField = window.descentChoice(find("plan-goal"), [...routeOptions, ...chapterOptions, ...sectionOptions]);
  const stuckField = window.descentChoice(find("stuck-chapter"), chapterOptions, offerSections);
  find("stuck-section").addEventListener("change", (event) => showSupplies(event.target.value));
  find("stuck-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = stuckField.value();
    if (id !== null) offerSections(id);
  });
  find("plan-form").addEventListener("submit", submit);
  find("plan-without-scripts").remove();
  find("plan-form").hidden = find("stuck-form").hidden = false;
  show(window.location.hash.includes("about="));
  fillForm();
  window.addEventListener("hashchange", () => {
    if (isAnchor()) return;
    const { about } = chosen();
    show(about !== "" && about !== choice.about);
    fillForm();
  });
  if (record?.watch) record.watch(() => show());
});
