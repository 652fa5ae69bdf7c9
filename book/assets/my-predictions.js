// The page "My predictions": all of them in a table, and how sure the reader was against how often they were right.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { courseMarkup, dateOf, element, plural, setFormulas } = window.descentPage;
  const { allPredictions, sureInWords, withUnit } = window.descentPredictions;
  const record = window.descentRecord, course = window.DESCENT_COURSE;
  const place = document.querySelector("#descent-my-predictions");
  if (!place) return;

  const BOOK = document.documentElement.dataset.content_root ?? "";
  const GROUPS = [[0.5, 0.6], [0.6, 0.7], [0.7, 0.8], [0.8, 0.9], [0.9, 1]]; // certain belongs to the last
  const ENOUGH = 30; // predictions; below, a half more or less right is chance
  const Z = 1.96; // standard deviations on either side that leave 5 % outside

  /** The predictions that were made, oldest first; one that was made too late stands where it was made. */
  function made(events) {
    return allPredictions(course.predictions, events)
      .filter(({ said, idle }) => said || idle)
      .sort((a, b) => (a.said ?? a.idle).at - (b.said ?? b.idle).at);
  }

  // --- The table ------------------------------------------------------------------------------------

  function result({ said, was, right }) {
    if (!said) return "after the outcome; not scored";
    if (was === undefined) return "waits for its outcome";
    return right ? "right" : "missed";
  }

  function question({ chapter, ask_html: markup }) {
    const known = course.chapters.find(({ id }) => id === chapter);
    const cell = courseMarkup("td", markup);
    const title = known ? `${known.mark} · ${known.title}` : chapter;
    const source = known?.page ? element("a", { href: `${BOOK}${known.page}` }, title) : title;
    cell.append(element("br"), element("span", { className: "descent-hint" }, source));
    return cell;
  }

  function row(one) {
    const { prediction, said, idle, was } = one;
    const event = said ?? idle;
    const cells = [
      dateOf(event.at), withUnit(event.data.value, prediction.unit), sureInWords(event.data.sure),
      was === undefined ? "" : withUnit(was, prediction.unit), result(one),
    ].map((text) => element("td", {}, text));
    cells.splice(1, 0, question(prediction));
    return element("tr", { className: one.right === false ? "descent-missed" : "" }, ...cells);
  }

  function table(all) {
    const titles = ["Day", "What was asked", "You said", "How sure", "It is", "Result"];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
    return element("div", { className: "pst-scrollable-table-container", tabIndex: 0, role: "region", "aria-label": "All predictions" },
      element("table", { className: "table" }, element("thead", {}, head), element("tbody", {}, ...[...all].reverse().map(row))));
  }

  // --- How sure, how right --------------------------------------------------------------------------

  function groups(scored) {
    return GROUPS.map(([least, most]) => {
      const inside = scored.filter(({ said: { data: { sure } } }) => least <= sure && (sure < most || (most === 1 && sure === 1)));
      const right = inside.filter((one) => one.right).length;
      return { least, most, right, count: inside.length };
    });
  }

  /** Wilson's interval: where the share may lie that so few answers come from. */
  function interval(right, count) {
    const share = right / count, square = Z ** 2 / count;
    const middle = (share + square / 2) / (1 + square);
    const half = (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / count + square / (4 * count));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  const percent = (share) => `${Math.round(100 * share)} %`;

  function inWords(scored) {
    const right = scored.filter((one) => one.right).length, count = scored.length;
    const sure = scored.reduce((sum, { said }) => sum + said.data.sure, 0) / count;
    const [low, high] = interval(right, count);
    const facts = `Of ${plural(count, "prediction")} that count, ${right} ${right === 1 ? "was" : "were"} right. `
      + `You were ${percent(sure)} sure on average, and right in ${percent(right / count)}.`;
    if (count < ENOUGH) {
      return `${facts} That is too few to say how well you know what you know: by chance alone, ${plural(count, "prediction")} `
        + `with this result fit anyone who is right in ${percent(low)} to ${percent(high)} of cases. From ${ENOUGH} on the picture begins to mean something.`;
    }
    if (sure > high) return `${facts} You are surer than you are right.`;
    if (sure < low) return `${facts} You are right more often than you think.`;
    return `${facts} The difference is no larger than chance makes it.`;
  }

  // --- The picture ----------------------------------------------------------------------------------

  const WIDTH = 420, HEIGHT = 330, LEFT = 56, RIGHT = 30, TOP = 16, BOTTOM = 52;
  const across = (sure) => LEFT + ((sure - 0.5) / 0.5) * (WIDTH - LEFT - RIGHT);
  const up = (share) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);

  function svg(tag, attributes, text) {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) drawn.setAttribute(name, value);
    if (text !== undefined) drawn.textContent = text;
    return drawn;
  }

  function axes() {
    const parts = [svg("path", { class: "axis", d: `M${LEFT} ${TOP} V${up(0)} H${WIDTH - RIGHT}` })];
    for (const sure of [0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
      parts.push(svg("text", { x: across(sure), y: up(0) + 18, "text-anchor": "middle" }, percent(sure)));
    }
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(svg("path", { class: "rule", d: `M${LEFT} ${up(share)} H${WIDTH - RIGHT}` }));
      parts.push(svg("text", { x: LEFT - 8, y: up(share) + 4, "text-anchor": "end" }, percent(share)));
    }
    const middle = (LEFT + WIDTH - RIGHT) / 2;
    parts.push(svg("text", { x: middle, y: HEIGHT - 10, "text-anchor": "middle" }, "how sure you were"));
    parts.push(svg("path", { class: "ideal", d: `M${across(0.5)} ${up(0.5)} L${across(1)} ${up(1)}` }));
    return parts;
  }

  function dots(all) {
    return all.filter(({ count }) => count).flatMap(({ least, most, right, count }) => {
      const x = across((least + most) / 2), share = right / count, [low, high] = interval(right, count);
      return [
        svg("path", { class: "spread", d: `M${x} ${up(low)} V${up(high)}` }),
        svg("circle", { class: "dot", cx: x, cy: up(share), r: 5.5 }),
        svg("text", { x: x + 10, y: up(share) + 4, class: "count" }, `${right} of ${count}`),
      ];
    });
  }

  function picture(all) {
    const told = all.filter(({ count }) => count)
      .map(({ least, most, right, count }) => `${percent(least)} to ${percent(most)} sure: ${right} of ${count} right`).join("; ");
    const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `How often you were right. ${told}.` });
    drawn.append(...axes(), ...dots(all));
    return element("figure", { className: "descent-calibration" },
      element("p", { className: "descent-hint" }, "How often you were right"), drawn,
      element("figcaption", {}, "A dot on the dashed line is a sureness that is earned; below it you were too sure. "
        + "The bar says where the dot might as well be, with so few predictions (95 %)."));
  }

  // --- The page -------------------------------------------------------------------------------------

  function refresh() {
    const all = made(record.events()), scored = all.filter(({ right }) => right !== null);
    if (!all.length) {
      place.replaceChildren(element("p", {}, "No prediction of yours counts yet: one does that was made before its outcome was seen. "
        + "Every chapter asks for some before its experiments."));
      return;
    }
    const parts = scored.length ? [element("p", {}, inWords(scored)), picture(groups(scored))] : [element("p", {}, "None of your predictions has its outcome yet.")];
    place.replaceChildren(...parts, table(all));
    setFormulas(place);
  }

  if (course) record.ready.then(() => record.watch(refresh));
  else place.replaceChildren(element("p", {}, "The list of predictions is missing from this copy of the book. Build it anew with make book."));
});
