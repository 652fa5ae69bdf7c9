// Superposition in the reader's hands: sparsity and importance, the directions that a small model learns, and what an autoencoder finds of them.
(({ element, colour, whenLookChanges, panel, slider, key, readout, message, minus, plot, clear, superposition }) => {
  const REACH = 1.6;
  const KEPT = 0.5; // of squared length: the feature is represented
  const FOUND = 0.95, USED = 0.005; // cosine of a direction that is a feature's; share of examples below which a code is dead

  const percent = (v) => `${Number((100 * v).toFixed(0))} %`;
  const signed = (v) => minus((Math.abs(v) < 0.005 ? 0 : v).toFixed(2));

  function setUp(root, problem) {
    const { features: n, shares } = problem, tint = (name) => colour(root, name), cache = new Map();
    let stop = problem.stop, decay = problem.importance, coded = true, now;

    const controls = element("div", { class: "figure-controls" }, root);
    const { input: shareInput, say: sayShare } = slider(controls, "sparsity", { class: "du-sparsity", min: 0, max: shares.length - 1, step: 1, value: stop });
    const { input: decayInput, say: sayDecay } = slider(controls, "importance of the next feature", { class: "du-importance", min: 0.5, max: 1, step: 0.1, value: decay });
    const codesButton = element("button", { type: "button" }, controls);
    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: planeCanvas } = panel(panels, "What the model holds: h in two dimensions", "");
    const { canvas: tableCanvas } = panel(panels, "Interference: WᵀW, row by column", "");
    key(root, [["du-feature", "direction of a feature"], ["du-code", "direction that the autoencoder found"], ["du-held", "h of 400 examples"]]);
    const tell = readout(root), say = message(root);
    const ends = [-REACH, REACH], plane = plot(planeCanvas, { x: { name: "first dimension of h", range: ends }, y: { name: "second dimension", range: ends } }, tint, 0.98);

    // The model at these handles, trained on first sight; W's products with itself, and what the autoencoder makes of it.
    function find() {
      const name = `${stop} ${decay}`;
      if (!cache.has(name)) {
        const { values, loss, held } = superposition.learn(Array.from({ length: n }, (_, i) => decay ** i), shares[stop]);
        const directions = Array.from({ length: n }, (_, i) => [values[2 * i], values[2 * i + 1]]);
        const products = directions.map(([a, b]) => directions.map(([c, d]) => a * c + b * d));
        const codes = superposition.findDirections(held, n).filter(({ used }) => used > USED).map(({ direction }) => direction);
        const kept = directions.map((_, i) => products[i][i] > KEPT);
        const found = directions.map(([a, b], i) => kept[i] && codes.some(([c, d]) => (a * c + b * d) / Math.hypot(a, b) > FOUND));
        cache.set(name, { loss, held: held.slice(0, 400), directions, products, codes, kept, found });
      }
      return cache.get(name);
    }

    function paintPlane() {
      const { pen } = plane;
      plane.prepare();
      plane.inside(() => {
        pen.globalAlpha = 0.35;
        for (const [a, b] of now.held) plane.dot(a, b, 2.2, tint("blue"));
        pen.globalAlpha = 1;
        if (coded) for (const [a, b] of now.codes) plane.line([[0, 0], [1.5 * a, 1.5 * b]], tint("green"), 5, [3, 4]);
        now.directions.forEach(([a, b], i) => {
          const length = Math.hypot(a, b);
          plane.line([[0, 0], [a, b]], tint("red"), 2.5);
          plane.dot(a, b, 4, tint("red"));
          if (length > 0.3) name(i, a * (1 + 0.16 / length), b * (1 + 0.16 / length));
        });
      });
      plane.axes();
    }

    function name(i, x, y) {
      const { pen } = plane;
      pen.font = "bold 14px system-ui, 'DejaVu Sans', sans-serif";
      pen.fillStyle = tint("ink");
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(String(i + 1), plane.x(x), plane.y(y));
      pen.font = "13px system-ui, 'DejaVu Sans', sans-serif";
    }

    // A number in every cell; blue is agreement, red is what stands in the way with the other sign.
    function paintTable() {
      const { width, height } = clear(tableCanvas, 0.98), pen = tableCanvas.getContext("2d"), edge = 22, cell = Math.min(width, height - edge) / (n + 0.5);
      pen.font = `${Math.min(14, cell / 3.2)}px system-ui, 'DejaVu Sans', sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      for (let i = 0; i < n; i++) {
        pen.fillStyle = tint("ink");
        pen.fillText(String(i + 1), edge + (i + 0.5) * cell, edge / 2);
        pen.fillText(String(i + 1), edge / 2, edge + (i + 0.5) * cell);
        for (let j = 0; j < n; j++) {
          const v = now.products[i][j];
          pen.fillStyle = tint(v > 0 ? "blue" : "red");
          pen.globalAlpha = 0.6 * Math.min(1, Math.abs(v));
          pen.fillRect(edge + j * cell, edge + i * cell, cell - 1, cell - 1);
          pen.globalAlpha = 1;
          pen.strokeStyle = tint("rule");
          pen.strokeRect(edge + j * cell, edge + i * cell, cell - 1, cell - 1);
          pen.fillStyle = tint("ink");
          pen.fillText(signed(v), edge + (j + 0.5) * cell, edge + (i + 0.5) * cell);
        }
      }
    }

    // Of the features that are kept: the largest product of two different ones, in size.
    const interference = () => Math.max(0, ...now.products.flatMap((row, i) => row.filter((_, j) => i < j && now.kept[i] && now.kept[j]).map(Math.abs)));

    function words(many, found) {
      const text = many <= 2 ? `${many === 2 ? "Two dimensions hold two features" : `Only ${many} of the features is kept`}: what comes often together cannot be told apart in less room, and the rest is given up.`
        : `${many} features share two dimensions. They stand in each other's way, which the model bears, since they are seldom enough there together; and a negative product costs a feature that is alone nothing, as the ReLU cuts it off.`;
      return text + (coded ? ` The autoencoder, which sees only h, finds ${found === 0 ? "none" : found} of these ${many}.` : "");
    }

    function paint() {
      now = find();
      paintPlane();
      paintTable();
      const many = now.kept.filter(Boolean).length, found = now.found.filter(Boolean).length, text = words(many, found);
      sayShare(`${percent(1 - shares[stop])}: there in ${percent(shares[stop])} of the examples`);
      sayDecay(`${decay.toFixed(1)} times the one before`);
      codesButton.textContent = coded ? "Hide the autoencoder" : "Show the autoencoder";
      tell([["features kept", `${many} of ${n}`], ["largest interference", interference().toFixed(2)], ["loss", now.loss.toPrecision(2)], ...(coded ? [["found by the autoencoder", `${found} of ${many}`]] : [])]);
      say(text);
      planeCanvas.setAttribute("aria-label", `The directions of ${n} features: ${now.directions.map(([a, b], i) => `feature ${i + 1} at (${signed(a)}, ${signed(b)})`).join(", ")}. ${text}`);
      tableCanvas.setAttribute("aria-label", `Products of the directions. Lengths squared: ${now.products.map((row, i) => row[i].toFixed(2)).join(", ")}; the largest product of two that are kept is ${interference().toFixed(2)}.`);
    }

    shareInput.addEventListener("input", () => { stop = Number(shareInput.value); paint(); });
    decayInput.addEventListener("input", () => { decay = Number(decayInput.value); paint(); });
    codesButton.addEventListener("click", () => { coded = !coded; paint(); });
    paint();
    whenLookChanges(root, paint);
  }

  return setUp;
})
