// More features than dimensions: the toy model of superposition, and a sparse autoencoder on what it holds. Gradients written out.
(({ generator }) => {
  const BATCH = 64, STEPS = 1000, RATE = 0.03, STARTS = 3, PENALTY = 0.15;

  // Adam on one array of numbers; the rate falls to nothing at the end.
  function adam(values) {
    const first = new Float64Array(values.length), second = new Float64Array(values.length);
    return (slopes, step) => {
      const rate = (RATE * (1 - step / STEPS) * Math.sqrt(1 - 0.999 ** (step + 1))) / (1 - 0.9 ** (step + 1));
      slopes.forEach((slope, i) => {
        first[i] = 0.9 * first[i] + 0.1 * slope;
        second[i] = 0.999 * second[i] + 0.001 * slope * slope;
        values[i] -= (rate * first[i]) / (Math.sqrt(second[i]) + 1e-8);
      });
    };
  }

  // Each feature is there with chance `share`, and then uniform between 0 and 1.
  function draw(uniform, count, n, share) {
    return Array.from({ length: count }, () => Array.from({ length: n }, () => (uniform() < share ? uniform() : 0)));
  }

  // The two numbers that the model holds of x: direction i is (values[2i], values[2i + 1]).
  function hold(values, x) {
    let a = 0, b = 0;
    x.forEach((v, i) => { a += v * values[2 * i]; b += v * values[2 * i + 1]; });
    return [a, b];
  }

  // Mean of Σ importance·(x − x̂)² over a batch, x̂ = ReLU(Wᵀ W x + bias), and its slopes. values: the n directions, then the n biases.
  function toy(values, batch, importance) {
    const n = importance.length, slopes = new Float64Array(3 * n);
    let loss = 0;
    for (const x of batch) {
      const [a, b] = hold(values, x), errors = x.map((v, i) => {
        const y = values[2 * i] * a + values[2 * i + 1] * b + values[2 * n + i], off = Math.max(0, y) - v;
        loss += (importance[i] * off * off) / batch.length;
        return y > 0 ? (2 * importance[i] * off) / batch.length : 0;
      });
      const [ea, eb] = hold(values, errors);
      errors.forEach((error, i) => {
        slopes[2 * i] += a * error + ea * x[i];
        slopes[2 * i + 1] += b * error + eb * x[i];
        slopes[2 * n + i] += error;
      });
    }
    return { loss, slopes };
  }

  // The best of a few starts, on fresh data at every step; measured on the same 2000 examples for all.
  function learn(importance, share) {
    const n = importance.length, held = draw(generator(77), 2000, n, share);
    return [...Array(STARTS).keys()].map((start) => {
      const uniform = generator(11 + start), values = Float64Array.from({ length: 3 * n }, (_, i) => (i < 2 * n ? uniform() - 0.5 : 0)), step = adam(values);
      for (let t = 0; t < STEPS; t++) step(toy(values, draw(uniform, BATCH, n, share), importance).slopes, t);
      return { values, loss: toy(values, held, importance).loss, held: held.map((x) => hold(values, x)) };
    }).reduce((best, one) => (one.loss < best.loss ? one : best));
  }

  // A sparse autoencoder on pairs of numbers: mean of |h − ĥ|² + penalty·Σ code, with code = ReLU(E h + c) and ĥ = Σ code·direction,
  // every direction of length 1. values: for each code E (two numbers), c, and the angle of its direction.
  function coder(values, batch, penalty) {
    const k = values.length / 4, slopes = new Float64Array(values.length);
    const turns = Array.from({ length: k }, (_, j) => [Math.cos(values[4 * j + 3]), Math.sin(values[4 * j + 3])]);
    let loss = 0;
    for (const [a, b] of batch) {
      const code = turns.map((_, j) => Math.max(0, values[4 * j] * a + values[4 * j + 1] * b + values[4 * j + 2]));
      let da = -a, db = -b;
      code.forEach((v, j) => { da += v * turns[j][0]; db += v * turns[j][1]; loss += (penalty * v) / batch.length; });
      loss += (da * da + db * db) / batch.length;
      code.forEach((v, j) => {
        if (v <= 0) return;
        const [x, y] = turns[j], slope = (2 * (da * x + db * y) + penalty) / batch.length;
        slopes[4 * j] += slope * a;
        slopes[4 * j + 1] += slope * b;
        slopes[4 * j + 2] += slope;
        slopes[4 * j + 3] += (2 * v * (db * x - da * y)) / batch.length;
      });
    }
    return { loss, slopes };
  }

  // Directions that the autoencoder finds in what the model holds, and how often each code is not zero.
  function findDirections(held, codes) {
    const uniform = generator(5), values = new Float64Array(4 * codes), step = adam(values);
    const there = held.filter(([a, b]) => a || b), size = Math.max(1e-6, ...there.map(([a, b]) => Math.hypot(a, b)));
    const scaled = there.map(([a, b]) => [a / size, b / size]);
    for (let j = 0; j < codes; j++) {
      const angle = (2 * Math.PI * (j + 0.5 * uniform())) / codes;
      values.set([Math.cos(angle), Math.sin(angle), 0, angle], 4 * j);
    }
    for (let t = 0; t < STEPS; t++) step(coder(values, Array.from({ length: BATCH }, () => scaled[Math.floor(uniform() * scaled.length)]), PENALTY).slopes, t);
    return Array.from({ length: codes }, (_, j) => ({
      direction: [Math.cos(values[4 * j + 3]), Math.sin(values[4 * j + 3])],
      used: scaled.filter(([a, b]) => values[4 * j] * a + values[4 * j + 1] * b + values[4 * j + 2] > 1e-3).length / scaled.length,
    }));
  }

  return { superposition: { learn, findDirections, toy, coder, draw } };
})
