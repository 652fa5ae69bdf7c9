// A small network in the plane, trained plainly or on attacked examples, and the attacks FGSM and PGD. Gradients written out.
(({ generator }) => {
  const WIDE = 24, RATE = 0.1, MOMENTUM = 0.9, NOISE = 0.12;
  const MOVES = 20, PART = 0.2; // of PGD: how many, and each as a part of ε

  // A disc and two rings around it: the middle ring is class +1, the disc and the outer ring are class −1.
  function drawPoints(uniform, count) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return Array.from({ length: count }, () => {
      const ring = Math.floor(3 * uniform()), angle = 2 * Math.PI * uniform(), radius = ring + NOISE * normal();
      return { at: [radius * Math.cos(angle), radius * Math.sin(angle)], label: ring === 1 ? 1 : -1 };
    });
  }

  // Two hidden layers of ReLUs. `values` holds W1, b1, W2, b2, w3, b3 one after the other.
  function network(uniform) {
    const n = WIDE, total = 3 * n + n * n + n + n + 1, values = new Float64Array(total), slopes = new Float64Array(total), pace = new Float64Array(total);
    const b1 = 2 * n, w2 = 3 * n, b2 = w2 + n * n, w3 = b2 + n, b3 = w3 + n, one = new Float64Array(n), two = new Float64Array(n), back = new Float64Array(n);
    const spread = () => 2 * uniform() - 1;
    for (let i = 0; i < total; i++) values[i] = i < w2 ? spread() : i < b2 ? spread() * Math.sqrt(6 / n) : i < w3 ? 0 : i < b3 ? spread() / Math.sqrt(n) : 0;

    // The logit at a point: positive is class +1.
    function logit([x, y]) {
      let z = values[b3];
      for (let i = 0; i < n; i++) one[i] = Math.max(0, values[2 * i] * x + values[2 * i + 1] * y + values[b1 + i]);
      for (let i = 0; i < n; i++) {
        let sum = values[b2 + i];
        for (let j = 0, from = w2 + i * n; j < n; j++) sum += values[from + j] * one[j];
        two[i] = Math.max(0, sum);
        z += values[w3 + i] * two[i];
      }
      return z;
    }

    // The slope of the loss ln(1 + exp(−label·z)) in the point; with `learn` those in the values are added up too.
    function descend(at, label, learn) {
      const z = logit(at), slope = -label / (1 + Math.exp(label * z)), point = [0, 0];
      back.fill(0);
      if (learn) slopes[b3] += slope;
      for (let i = 0; i < n; i++) {
        if (two[i] === 0) continue;
        const s = slope * values[w3 + i], from = w2 + i * n;
        if (learn) { slopes[w3 + i] += slope * two[i]; slopes[b2 + i] += s; }
        for (let j = 0; j < n; j++) {
          back[j] += s * values[from + j];
          if (learn) slopes[from + j] += s * one[j];
        }
      }
      for (let i = 0; i < n; i++) {
        if (one[i] === 0) continue;
        point[0] += back[i] * values[2 * i];
        point[1] += back[i] * values[2 * i + 1];
        if (learn) { slopes[2 * i] += back[i] * at[0]; slopes[2 * i + 1] += back[i] * at[1]; slopes[b1 + i] += back[i]; }
      }
      return point;
    }

    // One step of SGD with momentum on these points.
    function learn(points, rate) {
      slopes.fill(0);
      for (const { at, label } of points) descend(at, label, true);
      for (let i = 0; i < total; i++) {
        pace[i] = MOMENTUM * pace[i] + slopes[i] / points.length;
        values[i] -= rate * pace[i];
      }
    }

    return { values, slopes, logit, descend, learn, right: ({ at, label }) => label * logit(at) > 0 };
  }

  // The step of length `size` that raises the loss most to first order.
  function along([x, y], size, norm) {
    if (norm === "linf") return [size * Math.sign(x), size * Math.sign(y)];
    const length = Math.hypot(x, y) || 1;
    return [(size * x) / length, (size * y) / length];
  }

  // Back into the ball around a centre.
  function project([x, y], [a, b], epsilon, norm) {
    const dx = x - a, dy = y - b;
    if (norm === "linf") return [a + Math.max(-epsilon, Math.min(epsilon, dx)), b + Math.max(-epsilon, Math.min(epsilon, dy))];
    const scale = Math.min(1, epsilon / (Math.hypot(dx, dy) || 1));
    return [a + scale * dx, b + scale * dy];
  }

  // One step of the whole ε.
  function fgsm(net, { at, label }, epsilon, norm) {
    const [dx, dy] = along(net.descend(at, label), epsilon, norm);
    return [at[0] + dx, at[1] + dy];
  }

  // Small steps, each back into the ball; the whole way, from the point on.
  function pgd(net, { at, label }, epsilon, norm, moves = MOVES, part = PART) {
    const path = [at];
    for (let i = 0; i < moves; i++) {
      const here = path[path.length - 1], [dx, dy] = along(net.descend(here, label), part * epsilon, norm);
      path.push(project([here[0] + dx, here[1] + dy], at, epsilon, norm));
    }
    return path;
  }

  // Training as a thing to be continued: `step()` makes one on all points, each attacked in the ball of `epsilon` where that is not 0.
  function training(points, seed, steps, epsilon, norm) {
    const net = network(generator(seed));
    let done = 0;
    const step = () => {
      net.learn(epsilon > 0 ? points.map((point) => ({ at: pgd(net, point, epsilon, norm, 5, 0.4).pop(), label: point.label })) : points, RATE * (1 - done / steps));
      done += 1;
    };
    return { net, step, ended: () => done >= steps };
  }

  return { perturbation: { drawPoints, network, training, fgsm, pgd } };
})
