// Over-optimisation in the reader's hands: how far the policy goes, the proxy that rises, the gold reward that turns, and the samples that become the same.
(({ element, colour, whenLookChanges, panel, slider, key, readout, message, whenArrows, whenPulled, within, minus, grouped, plot, scientific }) => {
  const POINTS = 160;

  // Where a rising function has a value, by halving.
  function solve(rising, value, low, high) {
    for (let i = 0; i < 80; i++) {
      const middle = (low + high) / 2;
      if (rising(middle) < value) low = middle; else high = middle;
    }
    return (low + high) / 2;
  }

  const entropyTerm = (p) => (p > 0 ? p * Math.log(p) : 0);

  // A completion has `words` words, each pleasing with chance ½ at first; the proxy is their number, in spreads above its first mean.
  function world({ words, batch }) {
    const ways = [1];
    for (let j = 1; j <= words; j++) ways.push((ways[j - 1] * (words - j + 1)) / j);
    const total = 2 ** words, below = ways.map((_, j) => ways.slice(0, j + 1).reduce((s, v) => s + v, 0) / total);
    const score = (pleasing) => (pleasing - words / 2) / Math.sqrt(words / 4);
    const missing = (chance) => -Math.expm1(batch * Math.log1p(-chance)); // that a completion is in the batch at all

    // RL at its best for a KL: every word pleases with chance q, as the proxy is a sum over words.
    function rl(kl) {
      const q = solve((p) => words * (Math.LN2 + entropyTerm(p) + entropyTerm(1 - p)), kl, 0.5, 1);
      const distinct = ways.reduce((s, many, j) => s + many * missing(q ** j * (1 - q) ** (words - j)), 0) / batch;
      return { proxy: score(words * q), distinct };
    }

    // Best of n; equals are told apart by a trifle, so that the KL is ln n − (n − 1)/n.
    function best(kl) {
      const n = Math.exp(solve((log) => log - 1 + Math.exp(-log), kl, 0, 40));
      const chance = below.map((f, j) => f ** n - (j > 0 ? below[j - 1] ** n : 0));
      // The chance that the best has a rank above k, of all completions; ranks come in blocks that grow, the first alone.
      const beyond = (k) => Math.exp(n * Math.log1p(-k / total));
      let distinct = 0;
      for (let from = 0, to = 1; from < total; from = to, to = Math.min(total, Math.ceil(1.05 * to + 0.5))) {
        distinct += ((to - from) * missing((beyond(from) - beyond(to)) / (to - from))) / batch;
      }
      return { n, proxy: score(chance.reduce((s, p, j) => s + p * j, 0)), distinct };
    }
    return { rl, best };
  }

  function setUp(root, problem) {
    const { furthest, law } = problem, tint = (name) => colour(root, name), toy = world(problem);
    let { distance, flaw } = problem;
    const gold = {
      best: (d) => d * (law.best.alpha - flaw * law.best.beta * d),
      rl: (d) => (d > 0 ? d * (law.rl.alpha - flaw * law.rl.beta * Math.log(d)) : 0),
    };
    // Where gold is highest: the slopes are zero at α/2β, and at exp(α/β − 1).
    const top = {
      best: () => law.best.alpha / (2 * flaw * law.best.beta),
      rl: () => Math.exp(law.rl.alpha / (flaw * law.rl.beta) - 1),
    };
    const places = Array.from({ length: POINTS + 1 }, (_, i) => (furthest * i) / POINTS);
    const along = { rl: places.map((d) => toy.rl(d * d)), best: places.map((d) => toy.best(d * d)) };

    const controls = element("div", { class: "figure-controls" }, root);
    const { input: distanceInput, say: sayDistance } = slider(controls, "optimisation pressure, √KL", { class: "do-distance", min: 0, max: furthest, step: 0.02, value: distance });
    const { input: flawInput, say: sayFlaw } = slider(controls, "how wrong the proxy is, β", { class: "do-flaw", min: problem.flaws[0], max: problem.flaws[1], step: 0.05, value: flaw });
    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: scoreCanvas } = panel(panels, "Reward, in spreads of the first policy", "", { tabindex: "0" });
    const { canvas: shareCanvas } = panel(panels, `Distinct among ${problem.batch} completions`, "");
    key(root, [["do-proxy", "proxy"], ["do-gold", "gold"], ["do-distinct", "distinct"], ["do-solid", "RL"], ["do-dashed", "best of n"], ["do-stop", `${problem.stop} nats`]]);
    const tell = readout(root), say = message(root);
    const across = () => ({ name: "√KL", range: [0, furthest] });
    const scores = plot(scoreCanvas, { x: across(), y: { name: "reward", range: [-1, 5.2] } }, tint, 0.85);
    const shares = plot(shareCanvas, { x: across(), y: { name: "share", range: [0, 1.05] } }, tint, 0.85);

    function marks(at, [low, high]) {
      at.line([[Math.sqrt(problem.stop), low], [Math.sqrt(problem.stop), high]], tint("warning"), 1.5, [2, 3]);
      at.line([[distance, low], [distance, high]], tint("soft"), 1.5);
    }

    function paintScores(now) {
      scores.prepare();
      scores.inside(() => {
        marks(scores, [-9, 9]);
        scores.line([[0, 0], [furthest, 0]], tint("rule"), 1);
        for (const [way, dashes] of [["rl", []], ["best", [7, 5]]]) {
          scores.line(along[way].map(({ proxy }, i) => [places[i], proxy]), tint("blue"), 2.5, dashes);
          scores.line(places.map((d) => [d, gold[way](d)]), tint("red"), 3, dashes);
          if (top[way]() <= furthest) scores.dot(top[way](), gold[way](top[way]()), 5, tint("paper"), tint("red"));
          scores.dot(distance, now[way].proxy, 5, tint("blue"), tint("paper"));
          scores.dot(distance, gold[way](distance), 5, tint("red"), tint("paper"));
        }
      });
      scores.words("proxy", 0.06 * furthest, 3.6, tint("blue"));
      scores.words("gold: rings mark its best", 0.06 * furthest, -0.85, tint("red"));
      scores.axes();
    }

    function paintShares(now) {
      shares.prepare();
      shares.inside(() => {
        marks(shares, [0, 2]);
        for (const [way, dashes] of [["rl", []], ["best", [7, 5]]]) {
          shares.line(along[way].map(({ distinct }, i) => [places[i], distinct]), tint("green"), 3, dashes);
          shares.dot(distance, now[way].distinct, 5, tint("green"), tint("paper"));
        }
      });
      shares.axes();
    }

    function words(now) {
      const lost = (way) => (distance > top[way]() ? gold[way](top[way]()) - gold[way](distance) : 0), rl = lost("rl"), best = lost("best");
      if (distance === 0) return "No pressure yet: the policy is the first one.";
      const turned = rl >= 0.005 || best >= 0.005;
      const how = [rl >= 0.005 ? `with RL ${rl.toFixed(2)} below its best` : "", best >= 0.005 ? `with best-of-n ${best.toFixed(2)} below its best` : ""].filter(Boolean).join(", ");
      const text = turned ? `The proxy goes on rising, gold has turned: ${how}. The proxy alone does not show it.` : "Proxy and gold rise together so far.";
      return text + (now.rl.distinct < 0.7 ? ` And RL writes the same again and again: ${Math.round(100 * now.rl.distinct)} % of the completions are distinct.` : "");
    }

    const many = (n) => (n < 99.95 ? n.toFixed(1) : n < 1e6 ? grouped(Math.round(n)) : scientific(n, 1));

    function paint() {
      const kl = distance * distance, now = { rl: toy.rl(kl), best: toy.best(kl) }, text = words(now);
      paintScores(now);
      paintShares(now);
      sayDistance(`${distance.toFixed(2)}: KL ${kl.toFixed(2)} nats, n = ${many(now.best.n)}`);
      sayFlaw(`${(flaw * law.rl.beta).toFixed(2)} for RL, ${(flaw * law.best.beta).toFixed(2)} for best-of-n`);
      const share = (v) => `${(100 * v).toFixed(0)} %`;
      tell([
        ["RL: proxy, gold, distinct", minus(`${now.rl.proxy.toFixed(2)}, ${gold.rl(distance).toFixed(2)}, ${share(now.rl.distinct)}`)],
        ["best-of-n: proxy, gold, distinct", minus(`${now.best.proxy.toFixed(2)}, ${gold.best(distance).toFixed(2)}, ${share(now.best.distinct)}`)],
        ["gold is best at √KL", `${top.rl().toFixed(2)} (RL), ${top.best().toFixed(2)} (best-of-n)`],
      ]);
      say(text);
      scoreCanvas.setAttribute("aria-label", `Proxy and gold reward against the square root of the KL. At ${distance.toFixed(2)} RL has a proxy of ${now.rl.proxy.toFixed(2)} and a gold of ${minus(gold.rl(distance).toFixed(2))}. ${text} The left and right arrow keys change the pressure.`);
      shareCanvas.setAttribute("aria-label", `Share of distinct completions against the square root of the KL: now ${share(now.rl.distinct)} with RL, ${share(now.best.distinct)} with best-of-n.`);
    }

    function go(d) {
      distance = Math.round(50 * within(d, [0, furthest])) / 50;
      distanceInput.value = distance;
      paint();
    }

    distanceInput.addEventListener("input", () => go(Number(distanceInput.value)));
    flawInput.addEventListener("input", () => { flaw = Number(flawInput.value); paint(); });
    whenArrows(scoreCanvas, (right) => go(distance + 0.1 * right));
    whenPulled(scoreCanvas, (event) => go(scores.back(event).x));
    paint();
    whenLookChanges(root, paint);
  }

  return setUp;
})
