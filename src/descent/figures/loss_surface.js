// Gradient descent on the mean squared error of a line, in the reader's hands.
(({ element, colour, whenLookChanges, panel, plot, slider, readout, message, whenArrows, within, minus }) => {
  const STEPS = 500, TICK = 90, ARRIVED = 1e-3, RINGS = 10;

  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const show = (v) => minus(Math.abs(v) >= 1e5 ? v.toExponential(1) : v.toFixed(Math.abs(v) < 10 ? 3 : 1));

  // The loss is a quadratic bowl: (θ − θ*)ᵀ H (θ − θ*) + lowest, with H = [[mean x², mean x], [mean x, 1]].
  function bowl(x, y) {
    const mx = mean(x), my = mean(y), mxx = mean(x.map((v) => v * v));
    const mxy = mean(x.map((v, i) => v * y[i]));
    const w = (mxy - mx * my) / (mxx - mx * mx), b = my - w * mx;
    const loss = (p) => mean(x.map((v, i) => (p.w * v + p.b - y[i]) ** 2));
    const gradient = (p) => {
      const error = x.map((v, i) => p.w * v + p.b - y[i]);
      return { w: 2 * mean(error.map((e, i) => e * x[i])), b: 2 * mean(error) };
    };
    const steepest = (mxx + 1) / 2 + Math.hypot((mxx - 1) / 2, mx);
    // A ring of constant loss is the unit circle sent through the inverse of H's Cholesky factor, transposed.
    const l11 = Math.sqrt(mxx), l21 = mx / l11, l22 = Math.sqrt(1 - l21 * l21);
    const ring = (radius, t) => {
      const db = (radius * Math.sin(t)) / l22;
      return { w: w + (radius * Math.cos(t) - l21 * db) / l11, b: b + db };
    };
    const radius = (p) => Math.sqrt(mxx * (p.w - w) ** 2 + 2 * mx * (p.w - w) * (p.b - b) + (p.b - b) ** 2);
    return { lowest: { w, b }, loss, gradient, ring, radius, limit: 1 / steepest };
  }

  function setUp(root, problem) {
    const { x, y } = problem, hill = bowl(x, y);
    const tint = (name) => colour(root, name);

    const panels = element("div", { class: "figure-panels" }, root);
    const { canvas: surfaceCanvas } = panel(panels, "The loss, for every line", "Rings of equal loss over slope w and intercept b, with the path of gradient descent. Arrow keys move the starting point.", { tabindex: "0" });
    const { canvas: fitCanvas } = panel(panels, "The line it stands for", "The data and the line with the present w and b.");
    const controls = element("div", { class: "figure-controls" }, root);
    const top = Math.max(hill.limit * 1.6, problem.rate * 1.1);
    const { input: rateInput, say: sayRate } = slider(controls, "Learning rate", { min: Math.log10(top / 200), max: Math.log10(top), step: 0.005 });
    const stepButton = element("button", { type: "button", class: "ds-step" }, controls, "Step");
    const runButton = element("button", { type: "button", class: "ds-run figure-main" }, controls, "Run");
    const resetButton = element("button", { type: "button", class: "ds-reset" }, controls, "Reset");
    const tell = readout(root), say = message(root);

    const surface = plot(surfaceCanvas, { x: { name: "slope w", range: problem.view.x }, y: { name: "intercept b", range: problem.view.y } }, tint);
    const fit = plot(fitCanvas, { x: { name: "x", range: problem.fit.x }, y: { name: "y", range: problem.fit.y } }, tint);
    let rate = problem.rate, start = { ...problem.start }, path, timer = null, over;

    const here = () => path[path.length - 1];

    function reset() {
      stop();
      path = [{ ...start }];
      over = false;
      say("Press Step or Run. Choose another starting point by clicking on the surface, or with its arrow keys.");
      paint();
    }

    function step() {
      const p = here(), g = hill.gradient(p);
      path.push({ w: p.w - rate * g.w, b: p.b - rate * g.b });
      judge();
    }

    function judge() {
      const p = here(), g = hill.gradient(p), taken = path.length - 1;
      if (!(hill.radius(p) < 30 * (hill.radius(start) + 0.1))) {
        over = true;
        say(`Diverging: every step overshoots by more than it corrects, so the loss grows. On this surface the limit is a rate of ${hill.limit.toPrecision(3)}.`, "warning");
      } else if (Math.hypot(g.w, g.b) < ARRIVED) {
        over = true;
        say(`Arrived after ${taken} steps: the gradient is nearly zero.`);
      } else if (taken >= STEPS) {
        over = true;
        say(`Still on the way after ${STEPS} steps.`);
      } else if (taken === 1) {
        say("Each dot is one step: along the gradient, downhill, as far as rate × gradient.");
      }
      if (over) stop();
    }

    function stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      runButton.textContent = "Run";
    }

    function run() {
      if (timer !== null) { stop(); return; }
      if (over) reset();
      runButton.textContent = "Pause";
      timer = setInterval(() => {
        if (!root.isConnected) { stop(); return; }
        const several = 1 + Math.floor(path.length / 40);
        for (let i = 0; i < several && !over; i++) step();
        paint();
      }, TICK);
    }

    function paintSurface() {
      const { pen } = surface, { view } = problem;
      surface.prepare();
      const corners = view.x.flatMap((w) => view.y.map((b) => hill.radius({ w, b })));
      const furthest = Math.max(...corners);
      surface.inside(() => {
        for (let k = RINGS; k >= 1; k--) {
          pen.beginPath();
          for (let i = 0; i <= 120; i++) {
            const p = hill.ring((furthest * k) / RINGS, (i * Math.PI) / 60);
            pen.lineTo(surface.x(p.w), surface.y(p.b));
          }
          pen.fillStyle = pen.strokeStyle = tint("level");
          pen.globalAlpha = 0.07;
          pen.fill();
          pen.globalAlpha = 0.45;
          pen.lineWidth = 1;
          pen.stroke();
        }
        pen.globalAlpha = 1;
        surface.cross(hill.lowest.w, hill.lowest.b, tint("ink"));
        paintPath();
      });
      surface.axes();
    }

    function paintPath() {
      const path_ = tint("path");
      surface.line(path.map((p) => [p.w, p.b]), path_, 2);
      for (const p of path.slice(0, -1)) surface.dot(p.w, p.b, 3, path_);
      surface.dot(here().w, here().b, 7, path_, tint("paper"));
    }

    function paintFit() {
      const { pen } = fit, p = here(), at = (v) => fit.y(p.w * v + p.b);
      fit.prepare();
      fit.inside(() => {
        pen.strokeStyle = tint("path");
        pen.globalAlpha = 0.6;
        pen.lineWidth = 1.5;
        pen.beginPath();
        x.forEach((v, i) => { pen.moveTo(fit.x(v), fit.y(y[i])); pen.lineTo(fit.x(v), at(v)); });
        pen.stroke();
        pen.globalAlpha = 1;
        x.forEach((v, i) => fit.dot(v, y[i], 4, tint("point")));
        fit.line(problem.fit.x.map((v) => [v, p.w * v + p.b]), tint("fit"), 3);
      });
      fit.axes();
    }

    function paint() {
      paintSurface();
      paintFit();
      sayRate(rate.toPrecision(3));
      stepButton.disabled = over;
      const p = here();
      tell([["step", String(path.length - 1)], ["w", show(p.w)], ["b", show(p.b)], ["loss", show(hill.loss(p))]]);
    }

    function startAt(w, b) {
      start = { w: within(w, problem.view.x), b: within(b, problem.view.y) };
      reset();
    }

    function pointed(event) {
      const p = surface.back(event);
      startAt(p.x, p.y);
    }

    rateInput.value = Math.log10(rate);
    rateInput.addEventListener("input", () => {
      rate = 10 ** Number(rateInput.value);
      if (over) reset(); else paint();
    });
    stepButton.addEventListener("click", () => { stop(); step(); paint(); });
    runButton.addEventListener("click", run);
    resetButton.addEventListener("click", reset);
    surfaceCanvas.addEventListener("click", pointed);
    surfaceCanvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons === 1) pointed(event);
    });
    whenArrows(surfaceCanvas, (right, up) => {
      const { view } = problem;
      startAt(start.w + (right * (view.x[1] - view.x[0])) / 20, start.b + (up * (view.y[1] - view.y[0])) / 20);
    });

    reset();
    whenLookChanges(root, paint);
  }

  return setUp;
})
