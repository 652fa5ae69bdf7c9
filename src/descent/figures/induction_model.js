// A transformer of attention alone, small enough to train in a page: forward, backward and Adam written out on Float32Array.
(({ generator }) => {
  const RATE = 0.01, BETA1 = 0.9, BETA2 = 0.98, TINY = 1e-8;

  // out = a·b, or out += a·b; a is n × k, b is k × m, all row by row. Four of k at a time, which halves the time: k must be a multiple of 4.
  function product(out, a, b, n, k, m, add) {
    if (!add) out.fill(0, 0, n * m);
    for (let i = 0; i < n; i++) {
      const row = i * m;
      for (let j = 0; j < k; j += 4) {
        const at = i * k + j, v0 = a[at], v1 = a[at + 1], v2 = a[at + 2], v3 = a[at + 3];
        let b0 = j * m, b1 = b0 + m, b2 = b1 + m, b3 = b2 + m;
        for (let c = row; c < row + m; c++) out[c] += v0 * b[b0++] + v1 * b[b1++] + v2 * b[b2++] + v3 * b[b3++];
      }
    }
  }

  // The two ways back through y = a·b: da += dy·bᵀ, and db += aᵀ·dy.
  function productBack(da, db, dy, a, b, n, k, m) {
    for (let i = 0; i < n; i++) {
      const row = i * m;
      for (let j = 0; j < k; j += 4) {
        const at = i * k + j, v0 = a[at], v1 = a[at + 1], v2 = a[at + 2], v3 = a[at + 3];
        let b0 = j * m, b1 = b0 + m, b2 = b1 + m, b3 = b2 + m, s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let c = row; c < row + m; c++, b0++, b1++, b2++, b3++) {
          const slope = dy[c];
          s0 += slope * b[b0]; s1 += slope * b[b1]; s2 += slope * b[b2]; s3 += slope * b[b3];
          db[b0] += v0 * slope; db[b1] += v1 * slope; db[b2] += v2 * slope; db[b3] += v3 * slope;
        }
        da[at] += s0; da[at + 1] += s1; da[at + 2] += s2; da[at + 3] += s3;
      }
    }
  }

  // Standard normal numbers (Box and Muller), one at a time.
  const normal = (uniform) => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

  // `count` sequences of `length` symbols: a random stretch as long as its period, then the same again and again.
  // The period is drawn anew for each, so that no fixed distance back is ever right.
  function repeats(uniform, count, { symbols, length, periods }) {
    const tokens = new Uint8Array(count * length), starts = new Uint8Array(count);
    for (let s = 0; s < count; s++) {
      const period = periods[0] + Math.floor(uniform() * (periods[1] - periods[0] + 1));
      for (let t = 0; t < length; t++) {
        tokens[s * length + t] = t < period ? Math.floor(uniform() * symbols) : tokens[s * length + t - period];
      }
      starts[s] = period;
    }
    return { tokens, starts, count };
  }

  // Parameters under their names, all in one array each of values, slopes and Adam's two averages.
  function parameters(uniform, { symbols, length, width, layers }) {
    const shapes = { embed: [symbols, width], place: [length, width] };
    for (let l = 0; l < layers; l++) for (const name of ["query", "key", "value", "out"]) shapes[name + l] = [width, width];
    shapes.unembed = [width, symbols];
    const total = Object.values(shapes).reduce((sum, [n, m]) => sum + n * m, 0);
    const arrays = ["values", "slopes", "first", "second"].map(() => new Float32Array(total));
    const views = arrays.map(() => ({}));
    let from = 0;
    for (const [name, [n, m]] of Object.entries(shapes)) {
      arrays.forEach((array, i) => { views[i][name] = array.subarray(from, from + n * m); });
      const scale = name === "embed" || name === "place" ? 0.5 : 1 / Math.sqrt(n);
      for (let i = from; i < from + n * m; i++) arrays[0][i] = scale * normal(uniform);
      from += n * m;
    }
    const [values, slopes, first, second] = arrays;
    return { shapes, values, slopes, first, second, weights: views[0], grads: views[1] };
  }

  // settings: {symbols, length, width, heads, layers, periods, batch}. A seed makes model and data.
  function inductionModel(settings, seed) {
    const { symbols, length, width, heads, layers, batch } = settings, head = width / heads, scale = 1 / Math.sqrt(head);
    const uniform = generator(seed), state = parameters(uniform, settings), { weights, grads } = state;
    const on = Array.from({ length: layers }, () => new Array(heads).fill(true)); // false: this head adds nothing
    const rooms = new Map(); // what a pass writes on, by the number of sequences
    let steps = 0;

    function room(count) {
      if (!rooms.has(count)) {
        const rows = count * length, matrix = (columns) => new Float32Array(rows * columns);
        const layer = () => ({ q: matrix(width), k: matrix(width), v: matrix(width), z: matrix(width), look: new Float32Array(count * heads * length * length) });
        rooms.set(count, {
          stream: Array.from({ length: layers + 1 }, () => matrix(width)), layer: Array.from({ length: layers }, layer),
          chances: matrix(symbols), back: matrix(width), dz: matrix(width), dq: matrix(width), dk: matrix(width), dv: matrix(width), row: new Float32Array(length),
        });
      }
      return rooms.get(count);
    }

    // Attention of one layer over all sequences: each position looks at itself and what came before it.
    function attend({ q, k, v, z, look }, count, open) {
      z.fill(0);
      for (let s = 0; s < count; s++) for (let h = 0; h < heads; h++) {
        const side = h * head, base = s * length * width + side;
        for (let i = 0; i < length; i++) {
          const row = ((s * heads + h) * length + i) * length, qi = base + i * width;
          let top = -Infinity, sum = 0;
          for (let j = 0; j <= i; j++) {
            const kj = base + j * width;
            let dot = 0;
            for (let c = 0; c < head; c++) dot += q[qi + c] * k[kj + c];
            look[row + j] = dot *= scale;
            if (dot > top) top = dot;
          }
          for (let j = 0; j <= i; j++) sum += look[row + j] = Math.exp(look[row + j] - top);
          for (let j = 0; j <= i; j++) {
            const weight = look[row + j] /= sum, vj = base + j * width;
            if (open[h]) for (let c = 0; c < head; c++) z[qi + c] += weight * v[vj + c];
          }
        }
      }
    }

    // Fills the room with all activations and the chances of each next symbol.
    function forward({ tokens, count }) {
      const r = room(count), rows = count * length;
      for (let i = 0; i < rows; i++) {
        const symbol = tokens[i] * width, place = (i % length) * width;
        for (let c = 0; c < width; c++) r.stream[0][i * width + c] = weights.embed[symbol + c] + weights.place[place + c];
      }
      for (let l = 0; l < layers; l++) {
        const at = r.layer[l], x = r.stream[l], next = r.stream[l + 1];
        product(at.q, x, weights["query" + l], rows, width, width);
        product(at.k, x, weights["key" + l], rows, width, width);
        product(at.v, x, weights["value" + l], rows, width, width);
        attend(at, count, on[l]);
        next.set(x);
        product(next, at.z, weights["out" + l], rows, width, width, true);
      }
      product(r.chances, r.stream[layers], weights.unembed, rows, width, symbols);
      for (let i = 0; i < rows; i++) softmax(r.chances, i * symbols);
      return r;
    }

    function softmax(values, from) {
      let top = -Infinity, sum = 0;
      for (let c = from; c < from + symbols; c++) if (values[c] > top) top = values[c];
      for (let c = from; c < from + symbols; c++) sum += values[c] = Math.exp(values[c] - top);
      for (let c = from; c < from + symbols; c++) values[c] /= sum;
    }

    // Back through the attention of one layer, from dz to dq, dk and dv.
    function attendBack({ q, k, v, look }, { dz, dq, dk, dv, row: slopes }, count, open) {
      for (const slope of [dq, dk, dv]) slope.fill(0);
      for (let s = 0; s < count; s++) for (let h = 0; h < heads; h++) {
        if (!open[h]) continue;
        const base = s * length * width + h * head;
        for (let i = 0; i < length; i++) {
          const row = ((s * heads + h) * length + i) * length, at = base + i * width;
          let mean = 0;
          for (let j = 0; j <= i; j++) {
            const other = base + j * width, weight = look[row + j];
            let dot = 0;
            for (let c = 0; c < head; c++) {
              dot += dz[at + c] * v[other + c];
              dv[other + c] += weight * dz[at + c];
            }
            slopes[j] = dot;
            mean += weight * dot;
          }
          for (let j = 0; j <= i; j++) {
            const other = base + j * width, slope = look[row + j] * (slopes[j] - mean) * scale;
            for (let c = 0; c < head; c++) {
              dq[at + c] += slope * k[other + c];
              dk[other + c] += slope * q[at + c];
            }
          }
        }
      }
    }

    // The slopes of the mean loss over all predictions of a batch; returns that loss.
    function backward(data) {
      const { tokens, count } = data, r = forward(data), rows = count * length, share = 1 / (count * (length - 1));
      let loss = 0;
      state.slopes.fill(0);
      for (let i = 0; i < rows; i++) {
        const from = i * symbols, last = i % length === length - 1, next = from + tokens[i + 1];
        if (!last) loss -= share * Math.log(Math.max(r.chances[next], 1e-30));
        for (let c = from; c < from + symbols; c++) r.chances[c] = last ? 0 : share * (r.chances[c] - (c === next ? 1 : 0));
      }
      r.back.fill(0);
      productBack(r.back, grads.unembed, r.chances, r.stream[layers], weights.unembed, rows, width, symbols);
      for (let l = layers - 1; l >= 0; l--) {
        const at = r.layer[l];
        r.dz.fill(0);
        productBack(r.dz, grads["out" + l], r.back, at.z, weights["out" + l], rows, width, width);
        attendBack(at, r, count, on[l]);
        for (const [name, slope] of [["query", r.dq], ["key", r.dk], ["value", r.dv]]) {
          productBack(r.back, grads[name + l], slope, r.stream[l], weights[name + l], rows, width, width);
        }
      }
      for (let i = 0; i < rows; i++) {
        const symbol = tokens[i] * width, place = (i % length) * width;
        for (let c = 0; c < width; c++) {
          grads.embed[symbol + c] += r.back[i * width + c];
          grads.place[place + c] += r.back[i * width + c];
        }
      }
      return loss;
    }

    // One step of Adam on a fresh batch.
    function step() {
      const loss = backward(repeats(uniform, batch, settings)), { values, slopes, first, second } = state;
      steps += 1;
      const rate = (RATE * Math.sqrt(1 - BETA2 ** steps)) / (1 - BETA1 ** steps);
      for (let i = 0; i < values.length; i++) {
        first[i] = BETA1 * first[i] + (1 - BETA1) * slopes[i];
        second[i] = BETA2 * second[i] + (1 - BETA2) * slopes[i] * slopes[i];
        values[i] -= (rate * first[i]) / (Math.sqrt(second[i]) + TINY);
      }
      return loss;
    }

    // On held-out sequences: the loss in the repeat, where the next symbol can be known, and before it, where it cannot; and what
    // each head does: `copy` is its weight in the repeat on whatever followed earlier copies of the symbol, `before` its weight on the symbol before.
    function measure(data) {
      const { tokens, starts, count } = data, r = forward(data);
      let again = 0, news = 0, nAgain = 0, nNews = 0;
      const blank = () => Array.from({ length: layers }, () => new Array(heads).fill(0)), copy = blank(), before = blank();
      for (let s = 0; s < count; s++) for (let i = 0; i < length; i++) {
        const at = s * length + i, repeated = i >= starts[s];
        if (i < length - 1) {
          const loss = -Math.log(Math.max(r.chances[at * symbols + tokens[at + 1]], 1e-30));
          if (repeated) { again += loss; nAgain += 1; } else if (i < starts[s] - 1) { news += loss; nNews += 1; }
        }
        for (let l = 0; l < layers; l++) for (let h = 0; h < heads; h++) {
          const row = ((s * heads + h) * length + i) * length, { look } = r.layer[l];
          if (i > 0) before[l][h] += look[row + i - 1];
          if (!repeated) continue;
          for (let j = 1; j <= i; j++) if (tokens[at - i + j - 1] === tokens[at]) copy[l][h] += look[row + j];
        }
      }
      const positions = Array.from(starts).reduce((sum, start) => sum + length - start, 0);
      const mean = (table, n) => table.map((row) => row.map((v) => v / n));
      return { again: again / nAgain, news: news / nNews, copy: mean(copy, positions), before: mean(before, count * (length - 1)) };
    }

    // Where each head looks in one sequence: look[layer][head] is length × length, row by row.
    function looks(data) {
      const r = forward({ ...data, count: 1 }), size = length * length;
      return r.layer.map(({ look }) => Array.from({ length: heads }, (_, h) => look.slice(h * size, (h + 1) * size)));
    }

    return { state, on, step, backward, measure, looks, steps: () => steps };
  }

  return { inductionModel, repeats };
})
