// A transformer that trains in the page: losses, scores and attention move while it learns, and a head can be switched off.
(({ element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenPulled, generator, within, plot, clear, inductionModel, repeats }) => {
  const SLICE = 12; // milliseconds of training between two pictures, so that the page stays responsive
  const OFTEN = 10; // steps between two measurements
  const SELDOM = 100; // steps between two pictures for who asks for less motion
  const FORMED = 0.5; // of its weight in the right place: an induction head

  const percent = (v) => Math.round(100 * v) + " %";
  const letter = (symbol) => String.fromCharCode(65 + symbol);
  const best = (rows) => rows.reduce((top, row, l) => row.reduce((one, score, h) => (score > one.score ? { score, l, h } : one), top), { score: -1 });

  function setUp(root, problem) {
    const { settings, longest, floor } = problem, { length, symbols, heads } = settings, tint = (name) => colour(root, name);
    const still = window.matchMedia("(prefers-reduced-motion: reduce)");
    const held = repeats(generator(problem.held.seed), problem.held.count, settings);
    const period = problem.sample.length, sample = { tokens: Array.from({ length }, (_, i) => problem.sample[i % period]), count: 1 };
    const words = sample.tokens.map(letter);
    let model, history, now, maps, cells, frame = null, painted = 0, chosen = problem.sample.length + 4, told = "";

    const controls = element("div", { class: "figure-controls" }, root);
    const playButton = element("button", { type: "button", class: "figure-main di-play" }, controls);
    const resetButton = element("button", { type: "button" }, controls, "Start again");
    const depth = chooser(controls, "Model", ["one layer (the control)", "two layers"], {});
    const seeds = chooser(controls, "Seed", Array.from({ length: problem.seeds }, (_, i) => String(i + 1)), {});
    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: lossCanvas } = panel(panels, "Loss on sequences it has not seen, in nats", "");
    const { canvas: scoreCanvas } = panel(panels, "Share of its attention, in the best head", "");
    key(root, [["di-again", "loss in the repeat"], ["di-news", "loss before it"], ["di-copy", "attention on what followed earlier copies: induction score"], ["di-before", "attention on the symbol before"], ["di-rails", "in a map: what followed earlier copies"]]);
    const tell = readout(root), say = message(root);
    const grid = element("div", { class: "di-maps" }, root);
    const { input: placeInput, say: sayPlace } = slider(root, "symbol that looks back", { class: "di-place", min: 0, max: length - 1, step: 1 });
    const strips = element("div", { class: "di-strips" }, root);
    const looking = message(root);

    const steps = { name: "step", range: [0, 520] };
    const losses = plot(lossCanvas, { x: steps, y: { name: "loss", range: [0, 4.5] } }, tint, 0.7);
    const scores = plot(scoreCanvas, { x: steps, y: { name: "share", range: [0, 1] } }, tint, 0.7);
    const title = (l, h) => `head ${l + 1}.${h + 1}`;

    function measure() {
      now = model.measure(held);
      return { step: model.steps(), again: now.again, news: now.news, copy: best(now.copy).score, before: best(now.before).score };
    }

    // A map, a switch and a line of letters for each head of the model.
    function build() {
      const layers = depth.selectedIndex + 1;
      model = inductionModel({ ...settings, layers }, seeds.selectedIndex + 1);
      history = [measure()];
      painted = 0;
      told = "";
      grid.textContent = strips.textContent = "";
      maps = [];
      cells = [];
      for (let l = 0; l < layers; l++) for (let h = 0; h < heads; h++) {
        const { canvas } = panel(grid, `Layer ${l + 1}: ${title(l, h)}`, "");
        const button = element("button", { type: "button", class: "di-switch" }, canvas.parentNode);
        button.addEventListener("click", () => toggle(l, h));
        whenPulled(canvas, (event) => {
          const { top, height } = canvas.getBoundingClientRect();
          choose(within(Math.floor((length * (event.clientY - top)) / height), [0, length - 1]));
        });
        maps.push({ l, h, canvas, button });
        const strip = element("div", { class: "di-strip", "aria-hidden": "true" }, strips);
        element("span", {}, strip, `${l + 1}.${h + 1}`);
        cells.push(words.map((word) => element("i", {}, strip, word)));
      }
      paint();
    }

    // Between two pictures as many steps as fit into the slice, at least one.
    function train() {
      frame = null;
      if (!root.isConnected) return;
      const until = performance.now() + SLICE;
      do {
        model.step();
        if (model.steps() % OFTEN === 0) history.push(measure());
      } while (performance.now() < until && model.steps() < longest);
      const done = model.steps() >= longest;
      if (!done) frame = requestAnimationFrame(train);
      if (done || !still.matches || model.steps() - painted >= SELDOM) paint();
    }

    function stop() {
      if (frame !== null) cancelAnimationFrame(frame);
      frame = null;
    }

    function play() {
      told = "";
      if (frame === null) frame = requestAnimationFrame(train); else { stop(); measure(); }
      paint();
    }

    function toggle(l, h) {
      const was = measure().again, open = !model.on[l][h];
      model.on[l][h] = open;
      told = `With ${title(l, h)} ${open ? "on again" : "off"} the loss in the repeat goes from ${was.toFixed(2)} to ${measure().again.toFixed(2)}.`;
      paint();
    }

    function choose(place) {
      chosen = place;
      paint();
    }

    function paintLosses() {
      const last = history[history.length - 1], chance = Math.log(symbols);
      steps.range = [0, Math.max(520, 1.04 * last.step)];
      losses.prepare();
      losses.inside(() => {
        for (const [v, text] of [[chance, `ln ${symbols}: a blind guess`], [floor, "what one layer comes to"]]) {
          losses.line([[0, v], [steps.range[1], v]], tint("soft"), 1.5, [4, 4]);
          losses.words(text, 0.98 * steps.range[1], v - 0.38, tint("ink"), "right");
        }
        losses.line(history.map(({ step, news }) => [step, news]), tint("blue"), 2, [7, 3]);
        losses.line(history.map(({ step, again }) => [step, again]), tint("red"), 3);
        losses.dot(model.steps(), now.again, 5, tint("red"), tint("paper"));
      });
      losses.axes();
    }

    function paintScores() {
      scores.prepare();
      scores.inside(() => {
        scores.line([[0, FORMED], [steps.range[1], FORMED]], tint("soft"), 1.5, [4, 4]);
        scores.line(history.map(({ step, before }) => [step, before]), tint("fourth"), 2, [7, 3]);
        scores.line(history.map(({ step, copy }) => [step, copy]), tint("green"), 3);
      });
      scores.axes();
    }

    // Rows look, columns are looked at. Thin rails run beside the cells where an induction head would look.
    function paintMap({ l, h, canvas }, look) {
      const { width } = clear(canvas, 1), pen = canvas.getContext("2d"), cell = width / length;
      pen.fillStyle = tint("raised");
      for (let i = 0; i < length; i++) pen.fillRect(0, i * cell, (i + 1) * cell, cell);
      pen.fillStyle = model.on[l][h] ? tint("blue") : tint("soft");
      for (let i = 0; i < length; i++) for (let j = 0; j <= i; j++) {
        pen.globalAlpha = look[i * length + j];
        pen.fillRect(j * cell, i * cell, cell, cell);
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = tint("red");
      pen.lineWidth = 1;
      pen.beginPath();
      for (let back = period; back < length; back += period) for (const side of [-1, 1]) {
        pen.moveTo((1 + side) * cell, back * cell);
        pen.lineTo((length - back + 1 + side) * cell, length * cell);
      }
      pen.stroke();
      pen.strokeStyle = tint("ink");
      pen.strokeRect(0.5, chosen * cell, (chosen + 1) * cell, cell);
      canvas.setAttribute("aria-label", `Attention of ${title(l, h)}${model.on[l][h] ? "" : ", switched off"}: ${percent(now.copy[l][h])} of it lies on what followed earlier copies, ${percent(now.before[l][h])} on the symbol before.`);
    }

    function paintStrip(letters, look, open) {
      letters.forEach((node, j) => {
        node.style.setProperty("--di-weight", j <= chosen ? look[chosen * length + j].toFixed(3) : "0");
        node.className = j === chosen ? "di-chosen" : j > chosen ? "di-later" : j >= period ? "di-repeat" : "";
      });
      letters[0].parentNode.classList.toggle("di-off", !open);
    }

    // What the heads look at from the chosen symbol, in words.
    function describe(looks) {
      const parts = maps.map(({ l, h }) => {
        const row = Array.from(looks[l][h].slice(chosen * length, chosen * length + chosen + 1)), top = row.indexOf(Math.max(...row));
        return `${title(l, h)} most at ${words[top]} in place ${top + 1} (${percent(row[top])})`;
      });
      return `${words[chosen]} in place ${chosen + 1}: ${parts.join("; ")}.`;
    }

    function stage() {
      const { score, l, h } = best(now.copy), layers = depth.selectedIndex + 1, done = model.steps() >= longest ? " Training has ended." : "";
      if (told) return told;
      if (model.steps() === 0) return "Nothing is learned yet. Train, and watch the loss in the repeat: it stays on a shelf for a while.";
      if (score >= FORMED) return `An induction head has formed: ${title(l, h)} looks at what followed earlier copies of the symbol, and the loss in the repeat has left the shelf.` + done;
      if (layers === 1) return "One layer knows the symbols that were there, not which of them comes next: as periods vary, no distance back is always right." + done;
      return "No head finds what followed earlier copies yet: the loss in the repeat is still that of a good guess." + done;
    }

    function paint() {
      const looks = model.looks(sample);
      painted = model.steps();
      paintLosses();
      paintScores();
      maps.forEach((map, i) => {
        const { l, h } = map, open = model.on[l][h];
        paintMap(map, looks[l][h]);
        paintStrip(cells[i], looks[l][h], open);
        map.button.textContent = open ? "Switch off" : "Switch on";
        map.button.setAttribute("aria-label", `${map.button.textContent} ${title(l, h)}`);
        map.button.classList.toggle("figure-main", !open);
      });
      const copy = best(now.copy), before = best(now.before);
      tell([
        ["step", `${model.steps()} of ${longest}`],
        ["loss in the repeat", now.again.toFixed(2)],
        ["loss before it", now.news.toFixed(2)],
        ["induction score", `${copy.score.toFixed(2)}, ${title(copy.l, copy.h)}`],
        ["on the symbol before", `${before.score.toFixed(2)}, ${title(before.l, before.h)}`],
      ]);
      playButton.textContent = frame === null ? "Train" : "Pause";
      playButton.disabled = model.steps() >= longest;
      placeInput.value = chosen;
      sayPlace(`${words[chosen]}, place ${chosen + 1} of ${length}`);
      say(stage());
      // What is said aloud would never end while everything moves.
      looking(frame === null ? describe(looks) : "");
      lossCanvas.setAttribute("aria-label", `Loss against step. After ${model.steps()} steps it is ${now.again.toFixed(2)} in the repeat and ${now.news.toFixed(2)} before it. A blind guess has ${Math.log(symbols).toFixed(2)}, one layer comes to ${floor}.`);
      scoreCanvas.setAttribute("aria-label", `Scores against step. After ${model.steps()} steps the best head has ${percent(copy.score)} of its attention on what followed earlier copies, and the best at the symbol before has ${percent(before.score)} there.`);
    }

    const restart = () => { stop(); build(); };
    playButton.addEventListener("click", play);
    for (const [node, event] of [[resetButton, "click"], [depth, "change"], [seeds, "change"]]) node.addEventListener(event, restart);
    placeInput.addEventListener("input", () => choose(Number(placeInput.value)));

    depth.selectedIndex = problem.layers - 1;
    seeds.selectedIndex = problem.seed - 1;
    build();
    whenLookChanges(root, paint);
  }

  return setUp;
})
