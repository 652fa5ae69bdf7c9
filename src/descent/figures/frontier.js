// A scaling law in the reader's hands: isoFLOP curves, the frontier through their minima, and the best size for a budget.
(({ element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenArrows, whenPulled, within, plot, scientific }) => {
  const FAINT = [18, 19, 20, 21, 22, 23, 24, 25, 26].map((power) => 10 ** power);
  const OTHERS = "your own";

  // With C = 6·N·D the minimum of e + a/N^α + b/D^β over N has a closed form.
  function minimum(law, budget) {
    const { a, b, alpha, beta } = law, pairs = budget / 6;
    const g = ((alpha * a) / (beta * b)) ** (1 / (alpha + beta));
    const n = g * pairs ** (beta / (alpha + beta));
    return { n, d: pairs / n, loss: loss(law, n, budget) };
  }

  const loss = ({ e, a, b, alpha, beta }, n, budget) => e + a / n ** alpha + b / (budget / 6 / n) ** beta;

  // The budget for which n parameters are best: the way back from the minimum.
  function budgetOf(law, n) {
    const { a, b, alpha, beta } = law;
    const g = ((alpha * a) / (beta * b)) ** (1 / (alpha + beta));
    return 6 * (n / g) ** ((alpha + beta) / beta);
  }

  const same = (one, two) => ["e", "a", "b", "alpha", "beta"].every((name) => one[name] === two[name]);

  // 7.2e10 → 72 billion.
  function large(v) {
    for (const [unit, name] of [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]]) {
      if (v >= 0.9995 * unit && v < 999.5e12) return `${(v / unit).toPrecision(3)} ${name}`;
    }
    return v < 1e6 && v >= 1 ? String(Number(v.toPrecision(3))) : scientific(v, 2);
  }

  function setUp(root, problem) {
    const tint = (name) => colour(root, name);
    const { presets, exponents } = problem, ends = problem.budgets.map((power) => 10 ** power);
    let law = { ...problem.law }, budget = problem.budget;
    const sets = presets.some((preset) => same(preset.law, law)) ? presets : [...presets, { name: "as given", law: { ...law } }];

    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: curvesCanvas } = panel(panels, "Loss, for C of 10¹⁸ to 10²⁶ FLOPs", "", { tabindex: "0" });
    const { canvas: shareCanvas } = panel(panels, "What the best model spends it on", "");
    key(root, [["df-chosen", "your budget"], ["df-frontier", "the minima: the frontier"], ["df-size", "best parameters N"], ["df-tokens", "best tokens D"]]);
    const controls = element("div", { class: "figure-controls" }, root);
    const set = chooser(controls, "Constants", [...sets.map(({ name }) => name), OTHERS], {});
    const { input: alphaInput, say: sayAlpha } = slider(controls, "α, of parameters", { class: "df-alpha", min: exponents[0], max: exponents[1], step: 0.005 });
    const { input: betaInput, say: sayBeta } = slider(controls, "β, of tokens", { class: "df-beta", min: exponents[0], max: exponents[1], step: 0.005 });
    const { input: budgetInput, say: sayBudget } = slider(controls, "compute C", { class: "df-budget", min: problem.budgets[0], max: problem.budgets[1], step: 0.02 });
    const tell = readout(root), say = message(root);

    const axes = { x: { name: "parameters N", log: true }, y: { name: "loss" } };
    const curves = plot(curvesCanvas, axes, tint, 0.85);
    const shares = plot(shareCanvas, { x: { name: "compute C, FLOPs", log: true, range: ends }, y: { name: "number", log: true, range: [1e6, 1e15] } }, tint, 0.85);

    // The view stays where it is unless a minimum would be outside, so that what moves is the curve.
    function look() {
      const first = minimum(law, ends[0]), last = minimum(law, ends[1]);
      const low = Math.min(6, Math.floor(Math.log10(first.n)) - 1), high = Math.max(13, Math.ceil(Math.log10(last.n)));
      axes.x.range = [10 ** low, 10 ** high];
      axes.y.range = [law.e - 0.05 * (first.loss - law.e), first.loss + 0.5 * (first.loss - law.e)];
    }

    function along(c) {
      const [low, high] = axes.x.range, points = [];
      for (let i = 0; i <= 120; i++) {
        const n = low * (high / low) ** (i / 120);
        points.push([n, Math.min(1e6, loss(law, n, c))]);
      }
      return points;
    }

    function paintCurves() {
      curves.prepare();
      const best = minimum(law, budget);
      curves.inside(() => {
        for (const c of FAINT) curves.line(along(c), tint("faint"), 1.5);
        curves.line([[axes.x.range[0], law.e], [axes.x.range[1], law.e]], tint("soft"), 1, [4, 4]);
        curves.words(`e = ${law.e}`, axes.x.range[0] * 1.5, law.e, tint("ink"));
        curves.line(FAINT.map((c) => minimum(law, c)).map(({ n, loss }) => [n, loss]), tint("green"), 3);
        curves.line(along(budget), tint("red"), 3);
        for (const c of FAINT) { const { n, loss } = minimum(law, c); curves.dot(n, loss, 3.5, tint("green")); }
      });
      const room = 0.075 * (axes.y.range[1] - axes.y.range[0]);
      FAINT.slice(0, 3).forEach((c, i) => {
        const { n, loss } = minimum(law, c);
        curves.words(["10¹⁸", "10¹⁹", "10²⁰"][i], n / 1.3, loss - room, tint("ink"), "right");
      });
      curves.dot(best.n, best.loss, 8, tint("red"), tint("paper"));
      curves.axes();
    }

    function paintShares() {
      const best = ends.map((c) => minimum(law, c)), now = minimum(law, budget);
      shares.prepare();
      shares.inside(() => {
        shares.line([[budget, 1e-9], [budget, 1e30]], tint("soft"), 1, [4, 4]);
        shares.line(ends.map((c, i) => [c, best[i].n]), tint("blue"), 3);
        shares.line(ends.map((c, i) => [c, best[i].d]), tint("tokens"), 3, [8, 4]);
      });
      for (const [v, name] of [[now.n, "blue"], [now.d, "tokens"]]) {
        if (v >= 1e6 && v <= 1e15) shares.dot(budget, v, 7, tint(name), tint("paper"));
      }
      const part = law.beta / (law.alpha + law.beta), labels = [["tokens", `D: slope ${(1 - part).toFixed(3)}`], ["blue", `N: slope ${part.toFixed(3)}`]];
      const [upper, lower] = now.d > now.n ? labels : labels.reverse();
      shares.words(upper[1], ends[0] * 2, 1e14, tint(upper[0]));
      shares.words(lower[1], ends[1] / 2, 2e6, tint(lower[0]), "right");
      shares.axes();
    }

    function paint() {
      look();
      paintCurves();
      paintShares();
      const { alpha, beta } = law, best = minimum(law, budget), ratio = best.d / best.n;
      const part = beta / (alpha + beta), each = ratio >= 0.1 && ratio < 1e5 ? String(Number(ratio.toPrecision(3))) : scientific(ratio);
      sayAlpha(alpha.toFixed(4).replace(/0$/, ""));
      sayBeta(beta.toFixed(4).replace(/0$/, ""));
      sayBudget(scientific(budget, 2) + " FLOPs");
      tell([["best N", large(best.n)], ["best D", large(best.d)], ["tokens per parameter", each], ["loss", best.loss.toFixed(3)]]);
      const known = sets.findIndex((one) => same(one.law, law));
      set.selectedIndex = known < 0 ? sets.length : known;
      const ten = 10 ** part, tokens = 10 ** (1 - part);
      say(`N grows as C to the power β/(α+β) = ${part.toFixed(3)}, D as C to the power α/(α+β) = ${(1 - part).toFixed(3)}: ` +
        `ten times the compute wants ${ten.toFixed(2)} times the parameters and ${tokens.toFixed(2)} times the tokens` +
        (Math.abs(part - 0.5) < 0.002 ? ", so the tokens per parameter hardly change." : part > 0.5 ? ", so the tokens per parameter fall." : ", so the tokens per parameter rise."));
      curvesCanvas.setAttribute("aria-label", `Loss against parameters, a curve for each budget, and the frontier through their minima. At ${scientific(budget, 2)} FLOPs the lowest loss is ${best.loss.toFixed(3)}, with ${large(best.n)} parameters. The left and right arrow keys change the budget.`);
      shareCanvas.setAttribute("aria-label", `Best parameters and best tokens against compute, two straight lines of slopes ${part.toFixed(3)} and ${(1 - part).toFixed(3)}.`);
    }

    function spend(c) {
      budget = within(c, ends);
      budgetInput.value = Math.log10(budget);
      paint();
    }

    function follow() {
      alphaInput.value = law.alpha;
      betaInput.value = law.beta;
      paint();
    }

    set.addEventListener("change", () => {
      if (set.selectedIndex < sets.length) law = { ...sets[set.selectedIndex].law };
      follow();
    });
    alphaInput.addEventListener("input", () => { law.alpha = Number(alphaInput.value); paint(); });
    betaInput.addEventListener("input", () => { law.beta = Number(betaInput.value); paint(); });
    budgetInput.addEventListener("input", () => { budget = 10 ** Number(budgetInput.value); paint(); });
    whenArrows(curvesCanvas, (right) => spend(budget * 10 ** (0.1 * right)));
    whenPulled(curvesCanvas, (event) => spend(budgetOf(law, curves.back(event).x)));

    look();
    budgetInput.value = Math.log10(budget);
    follow();
    whenLookChanges(root, paint);
  }

  return setUp;
})
