// The search page: above Sphinx's results the sections that teach what was looked for, and under
// each result the passage. All comes from search-data.js (descent.serving.search_data), which a page
// opened from disk may load, while it may not fetch.
"use strict";

(() => {
  const MOST_TERMS = 4;
  const EXCERPT = 240;
  const { pages, terms } = window.descentSearch;
  const query = new URLSearchParams(window.location.search).get("q") ?? "";

  // Sphinx would fetch every page it found.
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  /** A word as it is compared: lower case, singular, British, as descent.authoring.terms has it. */
  function plainWord(word) {
    word = word.toLowerCase().replace(/iz(e[drs]?|ing|ations?)$/, "is$1");
    if (word.length < 4 || !word.endsWith("s") || /(ss|us|is)$/.test(word)) return word;
    if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
    return /(ches|shes|sses|xes)$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
  }

  const plainWords = (text) => (text.match(/[\p{L}\p{N}]+/gu) ?? []).map(plainWord);

  const asked = plainWords(query);
  const meaningful = asked.filter((word) => word.length > 1 && !stopwords.includes(word));
  const sought = new Set(meaningful.length ? meaningful : asked);

  const has = (words, phrase) => ` ${words.join(" ")} `.includes(` ${phrase.join(" ")} `);

  // How well the name of a term answers the question.
  const IS_IT = 4, BEGINS_A_WORD = 3, HAS_THE_WORDS = 2, IS_WITHIN = 1;

  function fit(name) {
    const words = plainWords(name);
    if (words.join("") === asked.join("")) return IS_IT;
    if (has(asked, words)) return IS_WITHIN;
    if (asked.join("").length < 2) return 0; // a letter begins too many
    if (` ${words.join(" ")}`.includes(` ${asked.join(" ")}`)) return BEGINS_A_WORD;
    return [...sought].every((word) => words.some((other) => other.startsWith(word))) ? HAS_THE_WORDS : 0;
  }

  const address = ({ places: [{ page, id }] }) => `${page}.html#${id}`;

  /** The terms that answer the question, the best first; what is only within it, if there is no more. */
  function findTerms() {
    if (!asked.length) return [];
    const found = [];
    for (const term of terms) {
      const rank = Math.max(...term.names.map(fit));
      // Of two within the question the longer says more; of two that go on, the shorter is nearer.
      const size = term.names[0].length * (rank === IS_WITHIN ? -1 : 1);
      if (rank > 0) found.push({ term, rank, size });
    }
    found.sort((a, b) => b.rank - a.rank || a.size - b.size);
    return found
      .filter(({ rank }) => rank > IS_WITHIN || found[0].rank === IS_WITHIN)
      .map(({ term }) => term)
      .filter((term, at, all) => all.findIndex((other) => address(other) === address(term)) === at)
      .slice(0, MOST_TERMS);
  }

  /** The best passage of a text: the first sentence with the most of the words, and what follows. */
  function passage(text, words) {
    const sentences = text.split(/(?<=[.!?:…]["”)]?)\s+(?=[\p{Lu}"“(])/u);
    let best = { at: 0, count: -1 };
    sentences.forEach((sentence, at) => {
      const present = new Set(plainWords(sentence));
      const count = [...words].filter((word) => present.has(word)).length;
      if (count > best.count) best = { at, count };
    });
    const from = sentences.slice(best.at).join(" ");
    const cut = from.length > EXCERPT ? `${from.slice(0, from.lastIndexOf(" ", EXCERPT))} …` : from;
    return { ...best, text: best.at > 0 ? `… ${cut}` : cut };
  }

  /** A paragraph of the passage, with the words set off. */
  function excerpt(text, words) {
    const paragraph = document.createElement("p");
    paragraph.className = "context";
    for (const piece of text.split(/([\p{L}\p{N}]+)/u)) {
      if (words.has(plainWord(piece))) {
        paragraph.append(Object.assign(document.createElement("mark"), { textContent: piece }));
      } else {
        paragraph.append(piece);
      }
    }
    return paragraph;
  }

  function link(page, id, text) {
    return Object.assign(document.createElement("a"), {
      href: `${page}.html${id ? `#${id}` : ""}`,
      textContent: text,
    });
  }

  const sectionOf = (page, id) => pages[page]?.find((section) => section.id === id) ?? pages[page]?.[0];

  /** "10 · Residual networks › Batch norm: statistics of a channel". */
  function fullTitle(page, section) {
    const title = pages[page][0].title;
    return section === pages[page][0] ? title : `${title} › ${section.title}`;
  }

  function termResult(term) {
    const item = document.createElement("li");
    const [taught, ...others] = term.places.map((place) => ({ ...place, section: sectionOf(place.page, place.id) }));
    item.append(link(taught.page, taught.id, fullTitle(taught.page, taught.section)));
    const words = new Set(term.names.flatMap(plainWords));
    item.append(excerpt(passage(taught.section.text, words).text, words));
    if (others.length) {
      const also = document.createElement("p");
      also.className = "also";
      also.append("Also: ");
      others.forEach((place, number) => {
        also.append(number ? "; " : "", link(place.page, place.id, fullTitle(place.page, place.section)));
      });
      item.append(also);
    }
    return item;
  }

  function showTerms() {
    const found = findTerms();
    if (!found.length) return;
    const box = document.createElement("section");
    box.id = "taught";
    const heading = document.createElement("h2");
    heading.textContent = "Where it is taught";
    const list = document.createElement("ul");
    list.className = "search";
    list.append(...found.map(termResult));
    box.append(heading, list);
    document.querySelector("#search-results").before(box);
  }

  /** Put under one of Sphinx's results the passage of its best section, with a link to that. */
  function explain(item) {
    const address = item.querySelector("a")?.getAttribute("href") ?? "";
    const [, page, id] = /^(.*)\.html(?:#(.*))?$/.exec(address) ?? [];
    if (!pages[page] || item.querySelector(".context")) return;
    const sections = id ? [sectionOf(page, id)] : pages[page];
    const found = sections.map((section) => ({ section, ...passage(section.text, sought) }));
    const best = found.reduce((one, other) => (other.count > one.count ? other : one));
    if (!best.text) return;
    const paragraph = excerpt(best.text, sought);
    if (!id && best.section !== pages[page][0]) {
      paragraph.prepend(link(page, best.section.id, best.section.title), ": ");
    }
    item.append(paragraph);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const results = document.querySelector("#search-results");
    new MutationObserver(() => results.querySelectorAll("ul.search > li").forEach(explain))
      .observe(results, { childList: true, subtree: true });
    showTerms();
  });
})();
