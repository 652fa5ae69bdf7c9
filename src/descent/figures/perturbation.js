// Adversarial examples in the reader's hands: a point, its ball, one step against many, and two networks of which one was trained under attack.
(({ element, colour, whenLookChanges, panel, slider, chooser, key, readout, message, whenArrows, whenPulled, generator, within, minus, plot, perturbation }) => {
  const CELLS = 56, SLICE = 15; // milliseconds of training between two breaths of the page
  const NAMES = { l2: "l2: a disc", linf: "l∞: a square" };

  function setUp(root, problem) {
    const { reach, training, norms } = problem, tint = (name) => colour(root, name), ends = [-reach, reach];
    const uniform = generator(problem.drawn.seed), trained = perturbation.drawPoints(uniform, training.points), test = perturbation.drawPoints(uniform, problem.drawn.test);
    let { epsilon, point, norm } = problem;

    const controls = element("div", { class: "figure-controls" }, root);
    const { input: sizeInput, say: saySize } = slider(controls, "ε, radius of the ball", { class: "dv-size", min: 0, max: problem.most, step: 0.01, value: epsilon });
    const shape = chooser(controls, "Norm", norms.map((name) => NAMES[name]), {});
    const panels = element("div", { class: "figure-panels" }, root);
    const sides = [["Plain training", 0], ["Training under attack", training.epsilon]].map(([caption, strength]) => {
      const { canvas, title } = panel(panels, caption, "", { tabindex: "0" });
      const axes = { x: { name: "x", range: ends }, y: { name: "y", range: ends } };
      return { caption, title, canvas, at: plot(canvas, axes, tint, 0.98), run: perturbation.training(trained, training.seed, training.steps, strength, training.norm) };
    });
    key(root, [["dv-one", "class +1, the ring"], ["dv-other", "class −1"], ["dv-fgsm", "FGSM: one step of ε"], ["dv-pgd", "PGD: 20 small steps; an end is filled where the class changes"], ["dv-point", "the point and its ball"]]);
    const tables = sides.map(({ caption }) => {
      const box = element("div", { class: "dv-line" }, root);
      element("strong", {}, box, caption);
      return readout(box);
    });
    const say = message(root);

    // What both attacks make of the point at this side; `label` is what the network says of the point itself.
    function attack({ run: { net } }) {
      const label = net.logit(point) > 0 ? 1 : -1, one = { at: point, label };
      const step = perturbation.fgsm(net, one, epsilon, norm), path = perturbation.pgd(net, one, epsilon, norm), left = path.findIndex((at) => !net.right({ at, label }));
      return { label, step, path: left < 0 ? path : path.slice(0, left + 1), fooledOnce: !net.right({ at: step, label }), fooled: left >= 0 };
    }

    // Shares of the test points that stay right: as they are, under FGSM, and at every place of PGD's path.
    function measure({ run: { net } }) {
      const share = (stays) => test.filter((one) => net.right(one) && stays(one)).length / test.length;
      return [
        share(() => true),
        share((one) => net.right({ at: perturbation.fgsm(net, one, epsilon, norm), label: one.label })),
        share((one) => perturbation.pgd(net, one, epsilon, norm).every((at) => net.right({ at, label: one.label }))),
      ];
    }

    function paintClasses({ at, run: { net } }) {
      const { pen, box } = at, side = (2 * reach) / CELLS;
      for (let i = 0; i < CELLS * CELLS; i++) {
        const column = i % CELLS, row = Math.floor(i / CELLS), z = net.logit([-reach + (column + 0.5) * side, reach - (row + 0.5) * side]);
        const left = Math.round((box.w * column) / CELLS), right = Math.round((box.w * (column + 1)) / CELLS);
        const upper = Math.round((box.h * row) / CELLS), lower = Math.round((box.h * (row + 1)) / CELLS);
        pen.fillStyle = z > 0 ? sides.blue : sides.red;
        pen.globalAlpha = 0.1 + 0.25 * Math.tanh(Math.abs(z) / 4);
        pen.fillRect(box.x + left, box.y + upper, right - left, lower - upper);
      }
      pen.globalAlpha = 1;
    }

    // Crosses and dots, so that the classes are told apart without colour too.
    function paintPoints({ at }) {
      for (const { at: [x, y], label } of trained) {
        if (label > 0) at.dot(x, y, 3.2, sides.blue, null);
        else at.cross(x, y, sides.red);
      }
    }

    function paintBall({ at }) {
      const { pen } = at, [x, y] = point, w = at.x(x + epsilon) - at.x(x), h = at.y(y) - at.y(y + epsilon);
      pen.beginPath();
      if (norm === "linf") pen.rect(at.x(x) - w, at.y(y) - h, 2 * w, 2 * h); else pen.ellipse(at.x(x), at.y(y), w, h, 0, 0, 2 * Math.PI);
      pen.strokeStyle = tint("ink");
      pen.lineWidth = 2;
      pen.stroke();
    }

    function paintSide(side, { step, path, fooledOnce, fooled }) {
      const { at } = side, ink = tint("ink");
      at.prepare();
      at.inside(() => {
        paintClasses(side);
        paintPoints(side);
        paintBall(side);
        at.line([point, step], tint("fgsm"), 3, [6, 4]);
        at.line(path, tint("green"), 3);
        for (const place of path.slice(1)) at.dot(...place, 2.5, tint("green"));
        at.dot(...step, fooledOnce ? 7 : 5, fooledOnce ? tint("fgsm") : tint("paper"), tint("fgsm"));
        at.dot(...path[path.length - 1], fooled ? 7 : 5, fooled ? tint("green") : tint("paper"), tint("green"));
        at.dot(...point, 6, ink, tint("paper"));
      });
      at.axes();
    }

    const pair = ([x, y]) => minus(`(${x.toFixed(2)}, ${y.toFixed(2)})`).replace(/−0\.00/g, "0.00");

    function words([plain, firm]) {
      const told = ({ fooledOnce, fooled }) => fooled && !fooledOnce ? "FGSM misses, its one step ends where the class is the same; PGD finds a way out"
        : fooled ? "both attacks find a way out" : fooledOnce ? "FGSM finds a way out, PGD does not: take the worst of several attacks" : "neither attack finds a way out, which does not show that there is none";
      return `Plain training: ${told(plain)}. Trained under attack: ${told(firm)}.`;
    }

    const ready = () => sides.every(({ run }) => run.ended());

    function paint() {
      [sides.blue, sides.red] = [tint("blue"), tint("red")];
      const found = sides.map(attack), text = ready() ? words(found) : "Both networks are being trained …";
      sides.forEach((side, i) => {
        const { caption, canvas, title } = side, { label, fooledOnce, fooled } = found[i];
        paintSide(side, found[i]);
        title.textContent = caption;
        canvas.setAttribute("aria-label", `${caption}: the point ${pair(point)} is in class ${label > 0 ? "+1" : "−1"}. FGSM ${fooledOnce ? "leaves" : "does not leave"} the class, PGD ${fooled ? "does" : "does not"}. Arrow keys move the point.`);
        const stayed = ready() ? measure(side).map((share) => `${(100 * share).toFixed(0)} %`) : ["…", "…", "…"];
        tables[i](["clean", "FGSM", "PGD"].map((name, k) => [name, stayed[k]]));
      });
      saySize(epsilon.toFixed(2));
      say(text);
    }

    // Training in slices, so that the page stays responsive; it is over within a second or two.
    function train() {
      if (!root.isConnected) return;
      const until = performance.now() + SLICE;
      while (!ready() && performance.now() < until) sides.find(({ run }) => !run.ended()).run.step();
      if (ready()) paint(); else setTimeout(train);
    }

    function move(x, y) {
      point = [within(x, ends), within(y, ends)];
      paint();
    }

    sizeInput.addEventListener("input", () => { epsilon = Number(sizeInput.value); paint(); });
    shape.addEventListener("change", () => { norm = norms[shape.selectedIndex]; paint(); });
    for (const { canvas, at } of sides) {
      whenPulled(canvas, (event) => { const { x, y } = at.back(event); move(x, y); });
      whenArrows(canvas, (right, up) => move(point[0] + 0.05 * right, point[1] + 0.05 * up));
    }
    shape.selectedIndex = norms.indexOf(norm);
    paint();
    whenLookChanges(root, paint);
    setTimeout(train);
  }

  return setUp;
})
