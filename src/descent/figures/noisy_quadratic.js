// SGD on a noisy quadratic in the reader's hands: batch and rate, the bias that decays and the noise that stays.
(({ element, colour, whenLookChanges, panel, slider, key, readout, message, whenPulled, within, minus, grouped, plot, scientific }) => {
  const UNSTABLE = 2; // times 1 over the largest curvature, h = 1
  const PER_DECADE = 40; // stops of the rate slider

  // Of Σ h θ²/2 with h = 1/i and θ = 1 at the start, at one rate: what is left of the start after `step` steps, and the noise for a batch of 1.
  function model(dimensions) {
    const curvatures = Array.from({ length: dimensions }, (_, i) => 1 / (i + 1));
    return (rate) => {
      const logs = curvatures.map((h) => 2 * Math.log(Math.abs(1 - rate * h)));
      return (step) => {
        let bias = 0, noise = 0;
        curvatures.forEach((h, i) => {
          const left = Math.exp(step * logs[i]), room = 2 - rate * h;
          bias += 0.5 * h * left;
          // η²h summed as a geometric series: (1 − left)/(1 − (1 − ηh)²); at the limit every step adds the same.
          noise += 0.5 * h * rate * (Math.abs(room) < 1e-12 ? 2 * step : (1 - left) / room);
        });
        return { bias, noise };
      };
    };
  }

  // Whole steps, evenly on a logarithmic axis.
  function moments(longest) {
    const found = new Set();
    for (let k = 0; k <= 20 * Math.log10(longest); k++) found.add(Math.round(10 ** (k / 20)));
    return [...found];
  }

  const round = (v) => (v === 0 ? "0" : v >= 1e4 || v < 1e-3 ? scientific(v, 2) : String(Number(v.toPrecision(3))));

  function setUp(root, problem) {
    const { target, longest } = problem, parts = model(problem.dimensions), steps = moments(longest);
    const tint = (name) => colour(root, name);
    const stops = [];
    for (let k = -4 * PER_DECADE; 10 ** (k / PER_DECADE) <= 2.25; k++) stops.push(10 ** (k / PER_DECADE));
    const tables = new Map(); // the parts at every moment, by rate: the batch only divides the noise
    let batch = problem.batch, rate = problem.rate, race;

    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: lossCanvas } = panel(panels, "Expected loss, step by step", "");
    const { canvas: raceCanvas, title: raceTitle } = panel(panels, "", "");
    key(root, [["dn-total", "expected loss"], ["dn-bias", "bias: what is left of the start"], ["dn-noise", "noise: what the batches bring"], ["dn-best", "best rate at this batch"]]);
    const controls = element("div", { class: "figure-controls" }, root);
    const { input: batchInput, say: sayBatch } = slider(controls, "batch B", { class: "dn-batch", min: 0, max: problem.batches, step: 1 });
    const { input: rateInput, say: sayRate } = slider(controls, "learning rate η", { class: "dn-rate", min: 0, max: stops.length - 1, step: 1 });
    const bestButton = element("button", { type: "button" }, controls, "Take the best rate");
    const tell = readout(root), say = message(root);

    const losses = plot(lossCanvas, { x: { name: "step", log: true, range: [1, longest] }, y: { name: "loss", log: true, range: [1e-4, 10] } }, tint, 0.85);
    const races = plot(raceCanvas, { x: { name: "learning rate η", log: true, range: [1e-4, 4] }, y: { name: "steps to the target", log: true, range: [1, longest] } }, tint, 0.85);

    function table(eta) {
      if (!tables.has(eta)) tables.set(eta, steps.map(parts(eta)));
      return tables.get(eta);
    }

    // The first step at which the loss is at the target, or null; found between two moments by halving.
    function arrival(eta) {
      const after = table(eta).findIndex(({ bias, noise }) => bias + noise / batch <= target);
      if (after < 0) return null;
      const at = parts(eta);
      let low = after === 0 ? 0 : steps[after - 1], high = steps[after];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2), { bias, noise } = at(middle);
        if (bias + noise / batch <= target) high = middle; else low = middle;
      }
      return high;
    }

    // The floor is what the noise brings after many steps, if they are stable.
    const floor = (eta) => (eta < UNSTABLE ? parts(eta)(Infinity).noise / batch : Infinity);

    function measure() {
      const found = stops.filter((eta) => eta < UNSTABLE).map((eta) => [eta, arrival(eta)]).filter(([, step]) => step !== null);
      race = { found, best: found.reduce((best, one) => (best && best[1] <= one[1] ? best : one), null) };
    }

    function paintLosses() {
      const now = table(rate), at = arrival(rate), bias = now.map(({ bias }) => bias), noise = now.map(({ noise }) => noise / batch);
      losses.prepare();
      losses.inside(() => {
        const curve = (values) => values.map((v, i) => [steps[i], within(v, [1e-9, 1e9])]);
        losses.line([[1, target], [longest, target]], tint("soft"), 1, [4, 4]);
        losses.words("target", 1.3, target, tint("ink"));
        losses.line(curve(bias.map((v, i) => v + noise[i])), tint("ink"), 5);
        losses.line(curve(bias), tint("blue"), 2.5);
        losses.line(curve(noise), tint("red"), 2.5, [7, 3]);
      });
      if (at !== null) losses.dot(at, target, 7, tint("ink"), tint("paper"));
      losses.axes();
    }

    function paintRaces() {
      races.prepare();
      races.inside(() => {
        const last = race.found.length ? race.found[race.found.length - 1][0] : 1e-4;
        if (last < UNSTABLE / 1.3) {
          races.pen.fillStyle = tint("raised");
          races.pen.fillRect(races.x(last), races.y(longest), races.x(UNSTABLE) - races.x(last), races.box.h);
          races.words(race.best ? "the floor is too high" : "no rate gets there", UNSTABLE / 1.15, 2, tint("ink"), "right");
        }
        races.line(race.found, tint("ink"), 2.5);
        races.line([[UNSTABLE, 1], [UNSTABLE, longest]], tint("warning"), 1.5, [4, 4]);
        races.line([[rate, 1], [rate, longest]], tint("soft"), 1);
      });
      races.words("unstable from 2", UNSTABLE / 1.15, longest / 3, tint("warning"), "right");
      if (race.best) races.dot(...race.best, 8, tint("green"), tint("paper"));
      const at = rate < UNSTABLE ? arrival(rate) : null;
      if (at !== null) races.dot(rate, at, 5, tint("ink"), tint("paper"));
      races.axes();
    }

    function words() {
      const at = rate < UNSTABLE ? arrival(rate) : null, low = floor(rate), best = race.best;
      const instead = best ? ` The best rate at this batch, ${round(best[0])}, needs ${grouped(best[1])} steps.` : ` At this batch no rate reaches it in ${grouped(longest)} steps.`;
      if (rate >= UNSTABLE) return [`Unstable: each step multiplies the error in the steepest direction, h = 1, by 1 − η = ${minus((1 - rate).toFixed(2))}. It does not shrink, noise is added to it for ever, and the loss grows.` + instead, "warning"];
      if (low > target) return [`At this rate the noise floor, ${round(low)}, is above the target of ${round(target)}: ${at === null ? "it is never reached, however long one trains" : "it is touched on the way down and left again"}. A smaller rate or a larger batch lowers the floor.` + instead];
      if (at === null) return [`Too slow: after ${grouped(longest)} steps the bias is still above the target of ${round(target)}.` + instead];
      const same = best && at === best[1];
      return [`The loss reaches ${round(target)} after ${grouped(at)} steps${same ? ", the fewest at this batch." : ` of ${grouped(batch)} examples each.` + instead}`];
    }

    function paint() {
      paintLosses();
      paintRaces();
      const at = rate < UNSTABLE ? arrival(rate) : null, low = floor(rate), [text, kind] = words();
      sayBatch(grouped(batch));
      sayRate(round(rate));
      raceTitle.textContent = `Steps to a loss of ${round(target)}, at this batch`;
      tell([
        ["noise floor", low === Infinity ? "none" : round(low)],
        ["steps to the target", at === null ? "never" : grouped(at)],
        ["examples", at === null ? "never" : grouped(at * batch)],
        ["best rate", race.best ? round(race.best[0]) : "none"],
        ["its steps", race.best ? grouped(race.best[1]) : "none"],
      ]);
      say(text, kind);
      bestButton.disabled = !race.best || race.best[0] === rate;
      lossCanvas.setAttribute("aria-label", `Loss against step, both logarithmic: the bias falls, the noise rises to a floor of ${low === Infinity ? "no limit" : round(low)}. ${text}`);
      raceCanvas.setAttribute("aria-label", `Steps to the target against the learning rate at a batch of ${batch}` + (race.best ? `: fewest, ${race.best[1]}, at a rate of ${round(race.best[0])}; more on both sides.` : ": no rate reaches it."));
    }

    const nearest = (eta) => stops.reduce((best, v, i) => (Math.abs(Math.log(v / eta)) < Math.abs(Math.log(stops[best] / eta)) ? i : best), 0);

    function choose(eta) {
      rate = eta;
      rateInput.value = nearest(eta);
      paint();
    }

    batchInput.addEventListener("input", () => { batch = 2 ** Number(batchInput.value); measure(); paint(); });
    rateInput.addEventListener("input", () => { rate = stops[Number(rateInput.value)]; paint(); });
    bestButton.addEventListener("click", () => choose(race.best[0]));
    whenPulled(raceCanvas, (event) => choose(stops[nearest(races.back(event).x)]));

    batchInput.value = Math.log2(batch);
    measure();
    choose(rate);
    whenLookChanges(root, paint);
  }

  return setUp;
})
