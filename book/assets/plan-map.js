// The map of the course on its page: states, the current plan, neighbours of what is looked at.
"use strict";

/**
 * Bring the map and its list to life.
 *
 * @param {(id: string) => string} address - where the link of a chapter is to lead now.
 * @returns {{show: (states: Map<string, string>, path: Set<string>, goal: string | null) => void}}
 *   states by chapter: `done`, `begun` or `todo`; the chapters of the plan; the one it leads to.
 */
window.descentMap = (address) => {
  const WORDS = { done: "done", begun: "in progress", todo: "to do" };
  const map = document.querySelector(".course-map");
  const list = document.querySelector(".course-list");
  const stops = new Map([...map.querySelectorAll(".stop")].map((stop) => [stop.dataset.chapter, stop]));
  const lines = [...map.querySelectorAll(".lines path")];
  const says = new Map([...stops].map(([id, stop]) => [id, stop.getAttribute("aria-label")]));

  /** Light up a chapter, and what leads to it and from it. */
  function light(id) {
    map.classList.toggle("looking", id !== null);
    for (const stop of stops.values()) delete stop.dataset.near;
    for (const line of lines) {
      const { before, after } = line.dataset;
      const near = id !== null && (before === id || after === id);
      line.classList.toggle("lit", near);
      if (!near) continue;
      line.parentNode.append(line); // on top of the others
      stops.get(before === id ? after : before).dataset.near = before === id ? "after" : "before";
    }
    if (id !== null) stops.get(id).dataset.near = "self";
  }

  for (const [id, stop] of stops) {
    for (const name of ["pointerenter", "focus"]) stop.addEventListener(name, () => light(id));
    for (const name of ["pointerleave", "blur"]) stop.addEventListener(name, () => light(null));
  }

  /** A word on a state. What is to do is the ordinary case, and its ring says enough to who sees it. */
  function word(text) {
    return window.descentPage.element("span", { className: text === WORDS.todo ? "visually-hidden" : "" }, `${text} `);
  }

  const narrow = window.matchMedia("(max-width: 760px)");
  const unfold = () => { list.open = narrow.matches; };
  narrow.addEventListener("change", unfold);
  unfold();

  function show(states, path, goal) {
    map.classList.toggle("has-plan", path.size > 0);
    list.classList.toggle("has-plan", path.size > 0);
    for (const link of document.querySelectorAll(".course-map a, .course-list a")) {
      link.setAttribute("href", address(link.dataset.chapter));
    }
    for (const id of stops.keys()) {
      const plan = id === goal ? "goal" : path.has(id) ? "on" : "off";
      const words = [WORDS[states.get(id)], ...(path.has(id) ? ["on your way"] : [])];
      const stop = stops.get(id);
      stop.dataset.state = states.get(id);
      stop.dataset.plan = plan;
      stop.setAttribute("aria-label", `${says.get(id)} ${words.join(", ")}.`);
      const item = list.querySelector(`li[data-chapter="${id}"]`);
      item.dataset.state = states.get(id);
      item.dataset.plan = plan;
      item.querySelector(".state-words").replaceChildren(...words.map((text) => word(text)));
    }
    for (const line of lines) {
      line.dataset.plan = path.has(line.dataset.before) && path.has(line.dataset.after) ? "on" : "off";
    }
  }

  return { show };
};
