// A next-word distribution in the reader's hands: temperature, then top-k, then top-p, and draws.
(({ element, slider, chooser, key, message, generator, grouped }) => {
  const SEED = 12;

  const total = (values) => values.reduce((sum, v) => sum + v, 0);

  // Probabilities in falling order, the logits (hundredths, largest 0) being in that order too.
  function softmax(hundredths, temperature) {
    if (temperature === 0) return hundredths.map((_, i) => (i === 0 ? 1 : 0));
    const raised = hundredths.map((z) => Math.exp(z / 100 / temperature));
    const sum = total(raised);
    return raised.map((v) => v / sum);
  }

  // How many of the first k words it takes to reach the share p of their mass.
  function reach(probabilities, k, p) {
    if (p === 1) return k;
    const wanted = p * total(probabilities.slice(0, k));
    let sum = 0, count = 0;
    do sum += probabilities[count++]; while (count < k && sum < wanted);
    return count;
  }

  const entropy = (probabilities) => -total(probabilities.map((v) => (v > 0 ? v * Math.log(v) : 0)));

  // 1, 2, 3, 5, 10, 20, … up to the number of words: the stops of the top-k slider.
  function stops(count) {
    const found = [];
    for (let decade = 1; decade < count; decade *= 10) {
      for (const step of [1, 2, 3, 5]) if (step * decade < count) found.push(step * decade);
    }
    return [...found, count];
  }

  const percent = (v) => (v === 0 ? "0 %" : v < 0.001 ? "< 0.1 %" : (100 * v).toFixed(v < 0.0995 ? 1 : 0) + " %");
  const short = (v) => (v < 9.95 ? v.toFixed(1) : grouped(Math.round(v)));

  function setUp(root, problem) {
    const { words, hundredths, contexts, rows, start } = problem;
    const shown = Math.min(rows, words.length), others = words.length - shown, places = stops(words.length);

    const top = element("div", { class: "dm-top" }, root);
    const context = chooser(top, "After", contexts.map((text) => `“${text} …”`), { class: "dm-context" });
    context.selectedIndex = start;
    const controls = element("div", { class: "figure-controls" }, root);
    const { input: heat, say: sayHeat } = slider(controls, "temperature", { class: "dm-temperature", min: "0", max: "2.5", step: "0.05", value: "1" });
    const { input: best, say: sayBest } = slider(controls, "top-k", { class: "dm-k", min: "0", max: String(places.length - 1), step: "1", value: String(places.length - 1) });
    const { input: mass, say: sayMass } = slider(controls, "top-p", { class: "dm-p", min: "0", max: "1", step: "0.01", value: "1" });

    key(root, [["dm-own", "the model’s own"], ["dm-fill", "to draw from"], ["dm-drawn", "drawn"]]);
    const list = element("div", { class: "dm-rows", role: "list" }, root);
    const lines = Array.from({ length: shown + (others ? 1 : 0) }, () => {
      const row = element("div", { class: "dm-row", role: "listitem" }, list);
      const word = element("span", { class: "dm-word" }, row);
      const track = element("span", { class: "dm-track" }, row);
      const bars = ["own", "fill", "drawn"].map((kind) => element("span", { class: "dm-bar dm-" + kind }, track));
      return { row, word, bars, number: element("span", { class: "dm-number" }, row), count: element("span", { class: "dm-count" }, row) };
    });
    const say = message(root);
    const buttons = element("div", { class: "dm-buttons" }, root);
    const button = (text, action) => element("button", { type: "button" }, buttons, text).addEventListener("click", action);
    const drawnText = element("span", { class: "dm-drawn-text", role: "status" });

    const uniform = generator(SEED);
    let order, own, probabilities, kept, counts, drawn, last;

    // The chosen context's words in falling order: all that follows works on this order.
    function choose() {
      const logits = hundredths[context.selectedIndex];
      order = words.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);
      own = softmax(order.map((i) => logits[i]), 1);
      compute();
    }

    function compute() {
      const logits = order.map((i) => hundredths[context.selectedIndex][i]);
      const temperature = Number(heat.value), k = places[Number(best.value)], p = Number(mass.value);
      const heated = softmax(logits, temperature);
      const left = temperature === 0 ? 1 : reach(heated, k, p);
      kept = { count: left, mass: total(heated.slice(0, left)), ofTemperature: temperature !== 1 };
      probabilities = heated.map((v, i) => (i < left ? v / kept.mass : 0));
      sayHeat(temperature === 0 ? "0 (greedy)" : temperature.toFixed(2));
      sayBest(k === words.length ? "all" : grouped(k));
      sayMass(p.toFixed(2));
      clear();
    }

    function clear() {
      counts = probabilities.map(() => 0);
      drawn = 0;
      last = null;
      paint();
    }

    // The inverse CDF: the first word whose cumulative sum is greater than u.
    function draw(times) {
      for (let t = 0; t < times; t++) {
        const u = uniform();
        let sum = 0, i = -1;
        do sum += probabilities[++i]; while (sum <= u && i < kept.count - 1);
        counts[i] += 1;
        last = i;
      }
      drawn += times;
      paint();
    }

    // What one row stands for, of any list in falling order: a word, or all that are not shown.
    const part = (values, i) => (i < shown ? values[i] : total(values.slice(shown)));

    function paint() {
      const share = (i) => (drawn ? part(counts, i) / drawn : 0);
      const all = lines.map((_, i) => [part(own, i), part(probabilities, i), share(i)]);
      const widest = Math.max(...all.flat());
      lines.forEach(({ row, word, bars, number, count }, i) => {
        const [before, now] = all[i], rest = i === shown;
        word.textContent = rest ? `${grouped(others)} more` : words[order[i]];
        bars.forEach((bar, b) => bar.style.setProperty("width", (100 * all[i][b]) / widest + "%"));
        number.textContent = percent(now);
        count.textContent = drawn ? grouped(part(counts, i)) : "";
        const cut = rest ? kept.count <= shown : i >= kept.count;
        row.classList.toggle("dm-cut", cut);
        row.classList.toggle("dm-last", last !== null && (rest ? last >= shown : last === i));
        row.setAttribute("aria-label", `${word.textContent}: the model ${percent(before)}, ` + (cut ? "cut" : `to draw from ${percent(now)}`) + (drawn ? `, drawn ${part(counts, i)} times` : ""));
      });
      const h = entropy(probabilities), h0 = entropy(own);
      say(
        `Kept: ${grouped(kept.count)} of ${grouped(words.length)} words, with ${percent(kept.mass)} of the probability` +
        (kept.ofTemperature ? " at this temperature" : "") +
        `. Entropy ${h.toFixed(2)} nats, a choice between ${short(Math.exp(h))} words; the model’s own ${h0.toFixed(2)}, ${short(Math.exp(h0))}.`,
      );
      drawnText.textContent = drawn ? `${grouped(drawn)} drawn; the last: “${words[order[last]]}”` : "nothing drawn yet";
    }

    button("draw 1", () => draw(1));
    button("draw 100", () => draw(100));
    button("draw 1000", () => draw(1000));
    button("clear", clear);
    buttons.appendChild(drawnText);
    for (const input of [heat, best, mass]) input.addEventListener("input", compute);
    context.addEventListener("change", choose);
    choose();
  }

  return setUp;
})
