// PPO's clipped objective in the reader's hands: the ratio and ε, the cases that have a slope, and the ratios of a batch on their way.
(({ element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenArrows, whenPulled, generator, within, minus, plot }) => {
  const CLIPPED = 0, SIDES = ["r < 1 − ε", "between", "r > 1 + ε"];
  const SHOWN = [0, 2.6], BINS = 26; // of the histogram; what is beyond stands in its last bar

  const objective = (ratio, advantage, epsilon) => Math.min(ratio * advantage, within(ratio, [1 - epsilon, 1 + epsilon]) * advantage);
  // No slope where the clipped product is the smaller one: further away in the direction in which the advantage pulls.
  const slope = (ratio, advantage, epsilon) => ((advantage > 0 ? ratio > 1 + epsilon : ratio < 1 - epsilon) ? 0 : advantage);
  const side = (ratio, epsilon) => (ratio < 1 - epsilon ? 0 : ratio > 1 + epsilon ? 2 : 1);

  const softmax = (row) => {
    const top = Math.max(...row), raised = row.map((v) => Math.exp(v - top)), sum = raised.reduce((s, v) => s + v, 0);
    return raised.map((v) => v / sum);
  };

  // A batch of actions that the old policy drew, with advantages: by state and action, plus noise; mean 0, spread 1.
  function collect({ states, actions, count, seed }) {
    const uniform = generator(seed), normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    const table = (scale) => Array.from({ length: states }, () => Array.from({ length: actions }, () => scale * normal()));
    const logits = table(0.5), worth = table(1), old = logits.map(softmax);
    const drawn = Array.from({ length: count }, () => {
      const state = Math.floor(uniform() * states);
      let u = uniform(), action = 0;
      while (action < actions - 1 && u >= old[state][action]) u -= old[state][action++];
      return { state, action, advantage: worth[state][action] + normal() };
    });
    const mean = drawn.reduce((s, { advantage }) => s + advantage, 0) / count;
    const spread = Math.sqrt(drawn.reduce((s, { advantage }) => s + (advantage - mean) ** 2, 0) / count);
    for (const one of drawn) one.advantage = (one.advantage - mean) / spread;
    return { logits, old, drawn };
  }

  // The ratios of the batch after 0, 1, … gradient steps; without an ε nothing is clipped.
  function climb({ logits, old, drawn }, epsilon, steps, rate) {
    const now = logits.map((row) => [...row]), path = [];
    for (let step = 0; ; step++) {
      const policy = now.map(softmax), ratios = drawn.map(({ state, action }) => policy[state][action] / old[state][action]);
      path.push(ratios);
      if (step === steps) return path;
      drawn.forEach(({ state, action, advantage }, i) => {
        const pull = (rate * ratios[i] * (epsilon === null ? advantage : slope(ratios[i], advantage, epsilon))) / drawn.length;
        policy[state].forEach((p, a) => { now[state][a] += pull * ((a === action ? 1 : 0) - p); });
      });
    }
  }

  function setUp(root, problem) {
    const { ratios: ends, batch } = problem, tint = (name) => colour(root, name), collected = collect(batch), paths = new Map();
    let { ratio, epsilon, steps } = problem;

    const controls = element("div", { class: "figure-controls" }, root);
    const { input: ratioInput, say: sayRatio } = slider(controls, "ratio r of one action", { class: "dk-ratio", min: ends[0], max: ends[1], step: 0.01, value: ratio });
    const { input: clipInput, say: sayClip } = slider(controls, "clip range ε", { class: "dk-clip", min: problem.clips[0], max: problem.clips[1], step: 0.01, value: epsilon });
    const panels = element("div", { class: "figure-panels" }, root);
    const both = [[1, "Advantage A = +1: more of this action"], [-1, "Advantage A = −1: less of this action"]].map(([advantage, caption]) => {
      const { canvas } = panel(panels, caption, "", { tabindex: "0" });
      const range = advantage > 0 ? [0, 2] : [-2, 0];
      return { advantage, canvas, at: plot(canvas, { x: { name: "ratio r", range: ends }, y: { name: "objective", range } }, tint, 0.62) };
    });
    key(root, [["dk-objective", "clipped objective"], ["dk-product", "r·A, not clipped"], ["dk-flat", "flat: no slope"]]);
    const table = element("table", { class: "dk-cases" }, root);
    element("caption", {}, table, "Which way the objective pushes r");
    const tell = readout(root), say = message(root);
    const lower = element("div", { class: "figure-panels" }, root);
    const { canvas: barsCanvas, title: barsTitle } = panel(lower, "", "");
    const more = element("div", { class: "figure-panel" }, lower);
    const { input: stepsInput, say: saySteps } = slider(more, "gradient steps on the batch", { class: "dk-steps", min: 0, max: problem.mostSteps, step: 1, value: steps });
    const way = chooser(more, "Objective", ["clipped", "not clipped"], {});
    const tellBatch = readout(more), sayBatch = message(more);
    const counted = { name: "actions", range: [0, 80] }, bars = plot(barsCanvas, { x: { name: "ratio r", range: SHOWN }, y: counted }, tint, 0.62);

    const head = element("tr", {}, element("thead", {}, table));
    for (const text of ["", ...SIDES]) element("th", { scope: "col" }, head, text);
    const body = element("tbody", {}, table);
    const cases = both.map(({ advantage }) => {
      const row = element("tr", {}, body);
      element("th", { scope: "row" }, row, advantage > 0 ? "A > 0" : "A < 0");
      return SIDES.map((_, i) => element("td", {}, row, (advantage > 0 ? i === 2 : i === 0) ? "none" : advantage > 0 ? "up" : "down"));
    });

    function path() {
      const name = way.selectedIndex === CLIPPED ? String(epsilon) : "free";
      if (!paths.has(name)) paths.set(name, climb(collected, way.selectedIndex === CLIPPED ? epsilon : null, problem.mostSteps, batch.rate));
      return paths.get(name);
    }

    function paintObjective({ advantage, canvas, at }) {
      const [low, high] = ends, corners = [low, 1 - epsilon, 1 + epsilon, high], now = objective(ratio, advantage, epsilon), steep = slope(ratio, advantage, epsilon);
      at.prepare();
      at.inside(() => {
        at.pen.fillStyle = tint("raised");
        const [from, to] = advantage > 0 ? [1 + epsilon, high] : [low, 1 - epsilon];
        at.pen.fillRect(at.x(from), at.box.y, at.x(to) - at.x(from), at.box.h);
        for (const edge of [1 - epsilon, 1 + epsilon]) at.line([[edge, -9], [edge, 9]], tint("soft"), 1, [3, 4]);
        at.line([[low, low * advantage], [high, high * advantage]], tint("blue"), 2, [7, 4]);
        at.line(corners.map((r) => [r, objective(r, advantage, epsilon)]), tint("red"), 3.5);
        if (steep) at.line([[ratio - 0.22, now - 0.22 * steep], [ratio + 0.22, now + 0.22 * steep]], tint("green"), 6);
      });
      at.dot(ratio, now, 8, tint(steep ? "green" : "soft"), tint("paper"));
      at.axes();
      canvas.setAttribute("aria-label", `Objective against the ratio for an advantage of ${minus(String(advantage))}: at r = ${ratio.toFixed(2)} it is ${minus(now.toFixed(2))}, and ${steep ? "has a slope" : "has no slope"}. The left and right arrow keys move the ratio.`);
    }

    function paintBars(ratios) {
      const width = (SHOWN[1] - SHOWN[0]) / BINS, counts = new Array(BINS).fill(0);
      for (const r of ratios) counts[Math.min(BINS - 1, Math.floor(r / width))] += 1;
      counted.range = [0, Math.max(80, 1.08 * Math.max(...counts))];
      bars.prepare();
      bars.inside(() => {
        const { pen } = bars, floor = bars.y(0);
        pen.fillStyle = tint("raised");
        pen.fillRect(bars.x(1 - epsilon), bars.box.y, bars.x(1 + epsilon) - bars.x(1 - epsilon), bars.box.h);
        pen.fillStyle = tint("blue");
        counts.forEach((count, i) => pen.fillRect(bars.x(i * width) + 0.5, bars.y(count), bars.x(width) - bars.x(0) - 1, floor - bars.y(count)));
        for (const edge of [1 - epsilon, 1 + epsilon]) bars.line([[edge, 0], [edge, 999]], tint("red"), 2, [4, 3]);
      });
      bars.axes();
    }

    function words(flat, kl) {
      if (steps === 0) return "Before the first step the policy is the one that acted: every ratio is 1.";
      return way.selectedIndex === CLIPPED
        ? `Clipping has taken the slope away from ${Math.round(100 * flat)} % of the actions. It pulls none of them back, and actions of the same state still move each other: ratios come to lie beyond the edge.`
        : `Without clipping nothing stops the ratios: the same batch is believed again at every step, and the divergence from the policy that drew it is ${kl.toFixed(3)} nats.`;
    }

    function paint() {
      const ratios = path()[steps], outside = ratios.filter((r) => Math.abs(r - 1) > epsilon).length / ratios.length;
      const kl = ratios.reduce((s, r) => s + r - 1 - Math.log(r), 0) / ratios.length, where = side(ratio, epsilon);
      both.forEach(paintObjective);
      paintBars(ratios);
      sayRatio(ratio.toFixed(2));
      sayClip(epsilon.toFixed(2));
      saySteps(`${steps} of ${problem.mostSteps}`);
      cases.forEach((row) => row.forEach((cell, i) => cell.classList.toggle("dk-now", i === where)));
      const values = both.map(({ advantage }) => [advantage > 0 ? "A = +1" : "A = −1", objective(ratio, advantage, epsilon), slope(ratio, advantage, epsilon)]);
      tell(values.map(([name, v, steep]) => [`${name}: objective, slope`, minus(`${v.toFixed(2)}, ${steep}`)]));
      say(where === 1 ? "Inside the range both signs have their slope: nothing is clipped."
        : where === 2 ? "Above the range an action that was good has no slope any more, and one that was bad still has: a step in the wrong direction can be taken back."
          : "Below the range an action that was bad has no slope any more, and one that was good still has: a step in the wrong direction can be taken back.");
      barsTitle.textContent = `Ratios of ${ratios.length} actions after ${steps} steps`;
      tellBatch([["beyond the range (clip fraction)", `${(100 * outside).toFixed(1)} %`], ["approximate KL", kl.toFixed(3)], ["largest ratio", Math.max(...ratios).toFixed(2)]]);
      sayBatch(words(collected.drawn.filter(({ advantage }, i) => slope(ratios[i], advantage, epsilon) === 0).length / ratios.length, kl));
      barsCanvas.setAttribute("aria-label", `Histogram of the ratios after ${steps} steps: from ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}, ${Math.round(100 * outside)} % of them beyond the range.`);
    }

    function move(r) {
      ratio = Math.round(100 * within(r, ends)) / 100;
      ratioInput.value = ratio;
      paint();
    }

    ratioInput.addEventListener("input", () => move(Number(ratioInput.value)));
    clipInput.addEventListener("input", () => { epsilon = Number(clipInput.value); paint(); });
    stepsInput.addEventListener("input", () => { steps = Number(stepsInput.value); paint(); });
    way.addEventListener("change", paint);
    for (const { canvas, at } of both) {
      whenArrows(canvas, (right) => move(ratio + 0.05 * right));
      whenPulled(canvas, (event) => move(at.back(event).x));
    }
    paint();
    whenLookChanges(root, paint);
  }

  return setUp;
})
