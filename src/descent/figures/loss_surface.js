// Gradient descent on the mean squared error of a line, in the reader's hands.
(({ element, colour, whenLookChanges }) => {
  const STEPS = 500, TICK = 90, ARRIVED = 1e-3, RINGS = 10;

  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const show = (v) => (Math.abs(v) >= 1e5 ? v.toExponential(1) : v.toFixed(Math.abs(v) < 10 ? 3 : 1)).replace("-", "−");

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

  // A canvas as wide as its panel, with axes; `draw(pen)` is called whenever it has to be painted.
  function plot(canvas, view, names, colour) {
    const pad = { left: 44, right: 10, top: 8, bottom: 40 };
    const pen = canvas.getContext("2d");
    const self = { pen };
    self.prepare = () => {
      const scale = window.devicePixelRatio || 1;
      const width = canvas.clientWidth || 300, height = Math.round(width * 0.78);
      canvas.style.height = height + "px";
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, width, height);
      self.box = { x: pad.left, y: pad.top, w: width - pad.left - pad.right, h: height - pad.top - pad.bottom };
    };
    self.x = (v) => self.box.x + ((v - view.x[0]) / (view.x[1] - view.x[0])) * self.box.w;
    self.y = (v) => self.box.y + (1 - (v - view.y[0]) / (view.y[1] - view.y[0])) * self.box.h;
    self.back = (px, py) => ({
      x: view.x[0] + ((px - self.box.x) / self.box.w) * (view.x[1] - view.x[0]),
      y: view.y[0] + (1 - (py - self.box.y) / self.box.h) * (view.y[1] - view.y[0]),
    });
    self.inside = (paint) => {
      pen.save();
      pen.beginPath();
      pen.rect(self.box.x, self.box.y, self.box.w, self.box.h);
      pen.clip();
      paint();
      pen.restore();
    };
    self.dot = (x, y, size, fill, edge) => {
      pen.beginPath();
      pen.arc(self.x(x), self.y(y), size, 0, 2 * Math.PI);
      pen.fillStyle = fill;
      pen.fill();
      if (edge) { pen.lineWidth = 2; pen.strokeStyle = edge; pen.stroke(); }
    };
    self.axes = () => {
      const { x, y, w, h } = self.box;
      pen.strokeStyle = colour("rule");
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
      pen.fillStyle = colour("ink");
      pen.font = "13px system-ui, 'DejaVu Sans', sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "top";
      for (const v of ticks(view.x)) pen.fillText(label(v), self.x(v), y + h + 5);
      pen.fillText(names.x, x + w / 2, y + h + 22);
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (const v of ticks(view.y)) pen.fillText(label(v), x - 6, self.y(v));
      pen.save();
      pen.translate(10, y + h / 2);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "center";
      pen.fillText(names.y, 0, 0);
      pen.restore();
    };
    return self;
  }

  const label = (v) => String(Number(v.toFixed(6))).replace("-", "−");

  function ticks([low, high]) {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const found = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(v);
    return found;
  }

  function panel(parent, caption, description, attributes) {
    const node = element("figure", { class: "ds-panel" }, parent);
    element("figcaption", {}, node, caption);
    return element("canvas", { role: "img", "aria-label": description, ...attributes }, node);
  }

  function setUp(root, problem) {
    const { x, y } = problem, hill = bowl(x, y);
    const tint = (name) => colour(root, name);

    const panels = element("div", { class: "ds-panels" }, root);
    const surfaceCanvas = panel(panels, "The loss, for every line", "Rings of equal loss over slope w and intercept b, with the path of gradient descent. Arrow keys move the starting point.", { tabindex: "0" });
    const fitCanvas = panel(panels, "The line it stands for", "The data and the line with the present w and b.", {});
    const controls = element("div", { class: "ds-controls" }, root);
    const rateLabel = element("label", {}, controls, "Learning rate");
    const top = Math.max(hill.limit * 1.6, problem.rate * 1.1);
    const slider = element("input", { type: "range", min: Math.log10(top / 200), max: Math.log10(top), step: 0.005, "aria-label": "Learning rate" }, rateLabel);
    const rateShown = element("output", {}, rateLabel);
    const stepButton = element("button", { type: "button", class: "ds-step" }, controls, "Step");
    const runButton = element("button", { type: "button", class: "ds-run" }, controls, "Run");
    const resetButton = element("button", { type: "button", class: "ds-reset" }, controls, "Reset");
    const readout = element("div", { class: "ds-readout" }, root);
    const message = element("p", { class: "ds-message", role: "status" }, root);

    const surface = plot(surfaceCanvas, problem.view, { x: "slope w", y: "intercept b" }, tint);
    const fit = plot(fitCanvas, problem.fit, { x: "x", y: "y" }, tint);
    let rate = problem.rate, start = { ...problem.start }, path, timer = null, over;

    const here = () => path[path.length - 1];

    function say(text, kind) {
      message.textContent = text;
      message.dataset.kind = kind || "";
    }

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
        paintLowest();
        paintPath();
      });
      surface.axes();
    }

    function paintLowest() {
      const { pen } = surface, px = surface.x(hill.lowest.w), py = surface.y(hill.lowest.b);
      pen.strokeStyle = tint("ink");
      pen.lineWidth = 2;
      pen.beginPath();
      pen.moveTo(px - 5, py - 5); pen.lineTo(px + 5, py + 5);
      pen.moveTo(px - 5, py + 5); pen.lineTo(px + 5, py - 5);
      pen.stroke();
    }

    function paintPath() {
      const { pen } = surface, path_ = tint("path");
      pen.beginPath();
      for (const p of path) pen.lineTo(surface.x(p.w), surface.y(p.b));
      pen.strokeStyle = path_;
      pen.lineWidth = 2;
      pen.stroke();
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
        pen.beginPath();
        for (const v of problem.fit.x) pen.lineTo(fit.x(v), at(v));
        pen.strokeStyle = tint("fit");
        pen.lineWidth = 3;
        pen.stroke();
      });
      fit.axes();
    }

    function paint() {
      paintSurface();
      paintFit();
      rateShown.textContent = rate.toPrecision(3);
      slider.setAttribute("aria-valuetext", rate.toPrecision(3));
      stepButton.disabled = over;
      readout.textContent = "";
      const p = here();
      for (const [name, value] of [["step", String(path.length - 1)], ["w", show(p.w)], ["b", show(p.b)], ["loss", show(hill.loss(p))]]) {
        const part = element("span", { "data-name": name }, readout, name + " ");
        element("b", {}, part, value);
      }
    }

    function startAt(w, b) {
      const within = (v, [low, high]) => Math.min(high, Math.max(low, v));
      start = { w: within(w, problem.view.x), b: within(b, problem.view.y) };
      reset();
    }

    function pointed(event) {
      const edge = surfaceCanvas.getBoundingClientRect();
      const p = surface.back(event.clientX - edge.left, event.clientY - edge.top);
      startAt(p.x, p.y);
    }

    slider.value = Math.log10(rate);
    slider.addEventListener("input", () => {
      rate = 10 ** Number(slider.value);
      if (over) reset(); else paint();
    });
    stepButton.addEventListener("click", () => { stop(); step(); paint(); });
    runButton.addEventListener("click", run);
    resetButton.addEventListener("click", reset);
    surfaceCanvas.addEventListener("click", pointed);
    surfaceCanvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons === 1) pointed(event);
    });
    surfaceCanvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      const { view } = problem;
      startAt(start.w + (move[0] * (view.x[1] - view.x[0])) / 20, start.b + (move[1] * (view.y[1] - view.y[0])) / 20);
    });

    reset();
    whenLookChanges(root, paint);
  }

  return setUp;
})
