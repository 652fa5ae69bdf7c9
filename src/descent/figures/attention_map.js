// Where a transformer looks, in the reader's hands: choose a word and a head, see the weights.
(({ element, message, whenArrows }) => {
  const STRONGEST = 3;

  const percent = (weight) => Math.round(100 * weight) + " %";

  function setUp(root, problem) {
    const { words, weights, start } = problem;
    let layer = 0, head = 0, chosen = start, held = start;

    const controls = element("div", { class: "da-controls" }, root);
    const choices = [];
    weights.forEach((heads, l) => {
      const group = element("div", { class: "da-group", role: "group", "aria-label": `Layer ${l + 1}` }, controls);
      element("span", {}, group, `layer ${l + 1}, head`);
      heads.forEach((_, h) => {
        const button = element("button", { type: "button", class: "da-head", "aria-label": `layer ${l + 1}, head ${h + 1}` }, group, String(h + 1));
        button.addEventListener("click", () => { layer = l; head = h; paint(); });
        choices.push({ button, l, h });
      });
    });

    const line = element("div", { class: "da-words", role: "group", "aria-label": "The sentence: choose a word" }, root);
    const tokens = words.map((word, i) => {
      const button = element("button", { type: "button", class: "da-word" }, line);
      element("span", { class: "da-text" }, button, word);
      const share = element("span", { class: "da-share" }, button);
      button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") choose(i); });
      button.addEventListener("click", () => { held = i; choose(i); });
      button.addEventListener("focus", () => choose(i));
      return { button, share };
    });
    line.addEventListener("pointerleave", () => choose(held));
    whenArrows(line, (right) => {
      held = Math.min(words.length - 1, Math.max(0, chosen + right));
      choose(held);
      tokens[held].button.focus();
    });
    const say = message(root);

    function choose(i) {
      chosen = i;
      paint();
    }

    function paint() {
      const row = weights[layer][head][chosen];
      tokens.forEach(({ button, share }, i) => {
        button.style.setProperty("--figure-weight", String(row[i]));
        button.setAttribute("aria-pressed", String(i === chosen));
        button.tabIndex = i === chosen ? 0 : -1;
        button.setAttribute("aria-label", `${words[i]}, ${percent(row[i])}`);
        share.textContent = row[i] >= 0.005 ? percent(row[i]) : "\u00a0";
      });
      for (const { button, l, h } of choices) button.setAttribute("aria-pressed", String(l === layer && h === head));
      const order = row.map((weight, i) => ({ weight, i })).sort((a, b) => b.weight - a.weight);
      const told = order.slice(0, STRONGEST).filter(({ weight }) => weight >= 0.005);
      const names = told.map(({ weight, i }) => `“${words[i]}” ${i === chosen ? "(itself) " : ""}${percent(weight)}`);
      say(`Layer ${layer + 1}, head ${head + 1}: “${words[chosen]}” looks at ${names.join(", ")}.`);
    }

    paint();
  }

  return setUp;
})
