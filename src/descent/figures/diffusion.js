// A mixture of Gaussians in the reader's hands: noise comes on, and goes again along the exact score.
(({ element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenArrows, whenPulled, generator, within, minus, plot }) => {
  const PARTS = ["blue", "red", "green", "fourth"];
  const NAMES = ["first", "second", "third", "fourth"];
  const ARROWS = 13, CELLS = 48, TRAILS = 14, TICK = 60;
  const FLOW = 0, ANCESTRAL = 1;

  // The density after noise keeps ᾱ of the variance is a mixture again: all that is asked of a point (x, y) follows.
  function mixture({ centres, weights, spread }) {
    const at = (x, y, kept) => {
      const root = Math.sqrt(kept), variance = kept * spread ** 2 + 1 - kept;
      const logs = centres.map(([a, b], k) => Math.log(weights[k]) - ((x - root * a) ** 2 + (y - root * b) ** 2) / (2 * variance));
      const top = Math.max(...logs), raised = logs.map((v) => Math.exp(v - top)), sum = raised.reduce((s, v) => s + v, 0);
      const mean = [0, 1].map((i) => centres.reduce((s, c, k) => s + (raised[k] / sum) * c[i], 0));
      const gap = [x - root * mean[0], y - root * mean[1]];
      return {
        density: (Math.exp(top) * sum) / variance,
        score: gap.map((v) => -v / variance),
        noise: gap.map((v) => (Math.sqrt(1 - kept) * v) / variance),
        guess: mean.map((v, i) => v + ((root * spread ** 2) / variance) * gap[i]),
      };
    };
    // One step back. The flow keeps the noise that is expected; an ancestral step forgets some and draws anew.
    const back = ([x, y], kept, before, drawn) => {
      const { noise, guess } = at(x, y, kept);
      if (!drawn) return guess.map((v, i) => Math.sqrt(before) * v + Math.sqrt(1 - before) * noise[i]);
      const added = 1 - kept / before, share = (1 - before) / (1 - kept);
      return guess.map((v, i) => (Math.sqrt(before) * added * v) / (1 - kept) + Math.sqrt(kept / before) * share * [x, y][i] + Math.sqrt(share * added) * drawn[i]);
    };
    const nearest = ([x, y]) => centres.reduce((best, [a, b], k) =>
      (Math.hypot(x - a, y - b) < Math.hypot(x - centres[best][0], y - centres[best][1]) ? k : best), 0);
    return { at, back, nearest };
  }

  // Pairs of standard normal numbers (Box and Muller).
  function normals(seed) {
    const uniform = generator(seed);
    return () => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    };
  }

  function setUp(root, problem) {
    const { centres, weights, spread, kept, reach } = problem, last = kept.length - 1;
    const tint = (name) => colour(root, name), law = mixture(problem), ends = [-reach, reach];
    const still = window.matchMedia("(prefers-reduced-motion: reduce)");
    let level = Math.round(0.3 * last), probe = [1.0, -0.2], paths = null, timer = null, runs = 0;

    // The data, and the noise that each point is given: drawn once.
    const data = (() => {
      const draw = normals(problem.seed), uniform = generator(problem.seed + 1);
      return Array.from({ length: problem.points }, () => {
        let u = uniform(), part = 0;
        while (part < weights.length - 1 && u >= weights[part]) u -= weights[part++];
        const [a, b] = draw();
        return { part, start: [centres[part][0] + spread * a, centres[part][1] + spread * b], noise: draw() };
      });
    })();

    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: pointsCanvas, title: pointsTitle } = panel(panels, "", "");
    const { canvas: fieldCanvas } = panel(panels, "The score at this level, and a probe", "", { tabindex: "0" });
    key(root, [["dd-probe", "probe, and the flow from it"], ["dd-guess", "mean of x₀ given the probe"], ["dd-density", "density, with arrows of its score"]]);
    const controls = element("div", { class: "figure-controls" }, root);
    const { input: levelInput, say: sayLevel } = slider(controls, "noise level, step t", { min: 0, max: last, step: 1 });
    const way = chooser(controls, "Back by", ["the flow, no new noise", "ancestral steps, new noise"], {});
    const playButton = element("button", { type: "button", class: "figure-main dd-play" }, controls);
    const dataButton = element("button", { type: "button" }, controls, "Data again");
    const tell = readout(root), say = message(root);

    const axes = () => ({ x: { name: "x", range: ends }, y: { name: "y", range: ends } });
    const plane = plot(pointsCanvas, axes(), tint, 0.98), field = plot(fieldCanvas, axes(), tint, 0.98);

    // Fresh noise, and where it is at every level on the way back.
    function run() {
      const draw = normals(problem.seed + 100 + runs++), ancestral = way.selectedIndex === ANCESTRAL;
      paths = data.map(() => {
        const path = [];
        path[last] = draw();
        for (let t = last; t > 0; t--) path[t - 1] = law.back(path[t], kept[t], kept[t - 1], ancestral ? draw() : null);
        return { path, part: law.nearest(path[0]) };
      });
    }

    const places = () => paths
      ? paths.map(({ path, part }) => ({ part, place: path[level] }))
      : data.map(({ part, start, noise }) => ({ part, place: start.map((v, i) => Math.sqrt(kept[level]) * v + Math.sqrt(1 - kept[level]) * noise[i]) }));

    // Where the deterministic flow takes a point from this level, with all that is between.
    function flow(from) {
      const path = [from];
      for (let t = level; t > 0; t--) path.push(law.back(path[path.length - 1], kept[t], kept[t - 1], null));
      return path;
    }

    function paintPoints() {
      const { pen } = plane;
      plane.prepare();
      plane.inside(() => {
        pen.globalAlpha = 0.55;
        if (paths) for (const { path, part } of paths.slice(0, TRAILS)) plane.line(path.slice(level), tint(PARTS[part]), 1.5);
        pen.globalAlpha = 0.8;
        for (const { part, place } of places()) plane.dot(...place, 2.6, tint(PARTS[part]));
        pen.globalAlpha = 1;
        for (const [x, y] of centres) plane.cross(Math.sqrt(kept[level]) * x, Math.sqrt(kept[level]) * y, tint("ink"));
      });
      plane.axes();
    }

    function paintField() {
      const { pen } = field;
      field.prepare();
      field.inside(() => {
        paintDensity();
        paintArrows();
        const { guess } = law.at(...probe, kept[level]);
        field.line([probe, guess], tint("green"), 2, [5, 4]);
        field.line(flow(probe), tint("red"), 2.5);
        pen.beginPath();
        pen.arc(field.x(guess[0]), field.y(guess[1]), 6, 0, 2 * Math.PI);
        pen.strokeStyle = tint("green");
        pen.lineWidth = 3;
        pen.stroke();
        field.dot(...probe, 7, tint("red"), tint("paper"));
      });
      field.axes();
    }

    function paintDensity() {
      const { pen, box } = field, side = (2 * reach) / CELLS;
      const values = Array.from({ length: CELLS * CELLS }, (_, i) =>
        law.at(-reach + (0.5 + (i % CELLS)) * side, reach - (0.5 + Math.floor(i / CELLS)) * side, kept[level]).density);
      const top = Math.max(...values);
      pen.fillStyle = tint("blue");
      values.forEach((v, i) => {
        if (v < 0.01 * top) return;
        const left = Math.round((box.w * (i % CELLS)) / CELLS), right = Math.round((box.w * ((i % CELLS) + 1)) / CELLS);
        const row = Math.floor(i / CELLS), upper = Math.round((box.h * row) / CELLS), lower = Math.round((box.h * (row + 1)) / CELLS);
        pen.globalAlpha = 0.5 * (v / top);
        pen.fillRect(box.x + left, box.y + upper, right - left, lower - upper);
      });
      pen.globalAlpha = 1;
    }

    // Long arrows are cut: their direction is what counts, and the probe says the length.
    function paintArrows() {
      const { pen, box } = field, cell = box.w / ARROWS, scale = Math.sqrt(kept[level] * spread ** 2 + 1 - kept[level]);
      pen.strokeStyle = tint("arrow");
      pen.lineWidth = 1.3;
      pen.beginPath();
      for (let i = 0; i < ARROWS * ARROWS; i++) {
        const x = -reach + ((0.5 + (i % ARROWS)) * 2 * reach) / ARROWS, y = -reach + ((0.5 + Math.floor(i / ARROWS)) * 2 * reach) / ARROWS;
        const [sx, sy] = law.at(x, y, kept[level]).score, size = Math.hypot(sx, sy);
        const length = cell * Math.min(0.85, 0.4 * size * scale), ux = sx / (size || 1), uy = -sy / (size || 1);
        const fromX = field.x(x) - (ux * length) / 2, fromY = field.y(y) - (uy * length) / 2, head = Math.min(4, length / 2);
        const toX = fromX + ux * length, toY = fromY + uy * length;
        pen.moveTo(fromX, fromY);
        pen.lineTo(toX, toY);
        for (const turn of [1, -1]) {
          pen.moveTo(toX, toY);
          pen.lineTo(toX - head * (ux + 0.7 * turn * uy), toY - head * (uy - 0.7 * turn * ux));
        }
      }
      pen.stroke();
    }

    const pair = ([x, y]) => minus(`(${(x + 0).toFixed(2)}, ${(y + 0).toFixed(2)})`).replace(/−0\.00/g, "0.00");
    const list = (words) => words.length < 2 ? words[0] : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

    function words() {
      const percents = (counts) => list(counts.map((v) => Math.round(100 * v))) + " %";
      if (!paths) {
        return level === 0 ? "The data: no noise yet. Each colour is one part of the mixture."
          : level === last ? "All noise: the parts have run into one cloud, and the colours alone remember where a point came from."
          : `The data with noise: √ᾱ = ${Math.sqrt(kept[level]).toFixed(2)} times each point and √(1 − ᾱ) = ${Math.sqrt(1 - kept[level]).toFixed(2)} times a standard normal.`;
      }
      if (level > 0) return "Fresh noise goes back by the exact score. A point has the colour of the centre that it will end at.";
      const ended = centres.map((_, k) => paths.filter(({ part }) => part === k).length / paths.length);
      return `Back at the data: ${percents(ended)} of the points ended nearest to the ${list(NAMES.slice(0, centres.length))} centre; the weights are ${percents(weights)}.`;
    }

    function paint() {
      paintPoints();
      paintField();
      const { score, guess } = law.at(...probe, kept[level]), path = flow(probe), text = words();
      sayLevel(`${level} of ${last}`);
      levelInput.value = level;
      pointsTitle.textContent = paths ? "Noise, on its way back" : "The data, with noise";
      playButton.textContent = timer === null ? "Back from noise" : "Pause";
      dataButton.disabled = !paths;
      tell([["ᾱ", kept[level] < 5e-4 ? "< 0.001" : kept[level].toFixed(3)], ["probe", pair(probe)], ["score", pair(score)], ["mean of x₀", pair(guess)], ["flow ends at", pair(path[path.length - 1])]]);
      say(text);
      pointsCanvas.setAttribute("aria-label", `${problem.points} points at noise level ${level} of ${last}. ${text}`);
      fieldCanvas.setAttribute("aria-label", `Arrows of the score at noise level ${level}. The probe is at ${pair(probe)}, the score there is ${pair(score)}. Arrow keys move the probe.`);
    }

    function stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    }

    function play() {
      if (timer !== null) { stop(); paint(); return; }
      if (!paths || level === 0) { run(); level = last; }
      if (still.matches) { level = 0; paint(); return; }
      timer = setInterval(() => {
        level -= 1;
        if (!root.isConnected || level <= 0) { level = Math.max(0, level); stop(); }
        paint();
      }, TICK);
      paint();
    }

    function move(x, y) {
      probe = [within(x, ends), within(y, ends)];
      paint();
    }

    levelInput.addEventListener("input", () => { stop(); level = Number(levelInput.value); paint(); });
    way.addEventListener("change", () => { if (paths) { stop(); runs -= 1; run(); } paint(); });
    playButton.addEventListener("click", play);
    dataButton.addEventListener("click", () => { stop(); paths = null; paint(); });
    whenPulled(fieldCanvas, (event) => { const { x, y } = field.back(event); move(x, y); });
    whenArrows(fieldCanvas, (right, up) => move(probe[0] + 0.1 * right, probe[1] + 0.1 * up));

    way.selectedIndex = FLOW;
    paint();
    whenLookChanges(root, paint);
  }

  return setUp;
})
