// A 3 × 3 kernel over a picture, in the reader's hands: the products, their sum, and the output map.
(({ element, colour, whenLookChanges, panel, clear, chooser, message, whenArrows, minus }) => {
  const SIDE = 3;
  const PRESETS = [
    ["left edges", [-1, 0, 1, -1, 0, 1, -1, 0, 1]],
    ["upper edges", [-1, -1, -1, 0, 0, 0, 1, 1, 1]],
    ["all edges", [-1, -1, -1, -1, 8, -1, -1, -1, -1]],
    ["blur", Array(9).fill(1 / 9)],
    ["sharpen", [0, -1, 0, -1, 5, -1, 0, -1, 0]],
    ["nothing", [0, 0, 0, 0, 1, 0, 0, 0, 0]],
  ];

  const show = (v) => minus(String(Number(v.toFixed(2)) + 0));
  const read = (text) => (text.trim() === "" ? NaN : Number(text.trim().replace("−", "-").replace(",", ".")));

  // The picture with its margin of zeros, and every sum of products: what the panels draw.
  function convolution(image, kernel, stride, padding) {
    const rows = image.length + 2 * padding, columns = image[0].length + 2 * padding;
    const at = (i, j) => (image[i - padding] || [])[j - padding] || 0;
    const down = Math.floor((rows - SIDE) / stride) + 1, across = Math.floor((columns - SIDE) / stride) + 1;
    const products = (i, j) => kernel.map((w, t) => w * at(i * stride + Math.floor(t / SIDE), j * stride + (t % SIDE)));
    const output = Array.from({ length: down }, (_, i) =>
      Array.from({ length: across }, (_, j) => products(i, j).reduce((sum, v) => sum + v, 0)));
    const largest = Math.max(1e-9, ...output.flat().map(Math.abs));
    return { rows, columns, at, down, across, products, output, largest };
  }

  // A canvas of square pixels, `rows` by `columns`, drawn with `shade(i, j)` → [colour name, strength].
  function grid(canvas, colour) {
    const pen = canvas.getContext("2d"), self = {};
    self.paint = (rows, columns, room, shade, marked, margin) => {
      const { width } = clear(canvas, 1), cell = width / room;
      self.left = (width - columns * cell) / 2;
      self.top = (width - rows * cell) / 2;
      self.cell = cell;
      const box = (i, j, h, w) => [self.left + j * cell, self.top + i * cell, w * cell, h * cell];
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const [name, strength] = shade(i, j);
          pen.globalAlpha = strength;
          pen.fillStyle = colour(name);
          pen.fillRect(...box(i, j, 1, 1));
        }
      }
      pen.globalAlpha = 1;
      pen.lineWidth = 1;
      pen.strokeStyle = colour("rule");
      pen.strokeRect(...box(0, 0, rows, columns));
      if (margin) {
        pen.setLineDash([4, 3]);
        pen.strokeStyle = colour("soft");
        pen.strokeRect(...box(margin, margin, rows - 2 * margin, columns - 2 * margin));
        pen.setLineDash([]);
      }
      pen.lineWidth = 3;
      pen.strokeStyle = colour("window");
      pen.strokeRect(...box(...marked));
    };
    self.back = (event) => {
      const edge = canvas.getBoundingClientRect();
      return { i: (event.clientY - edge.top - self.top) / self.cell, j: (event.clientX - edge.left - self.left) / self.cell };
    };
    return self;
  }

  function table(parent, name, tag, attributes) {
    const part = element("div", { class: "dc-part" }, parent);
    element("b", {}, part, name);
    const cells = element("div", { class: "dc-table" }, part);
    return Array.from({ length: 9 }, (_, t) => element(tag, attributes ? attributes(t) : {}, cells));
  }

  function setUp(root, problem) {
    const { image } = problem;
    const tint = (name) => colour(root, name);

    const panels = element("div", { class: "figure-panels" }, root);
    const keys = "Arrow keys move the window.";
    const { canvas: inCanvas, title: inTitle } = panel(panels, "", "The picture with the window on it. " + keys, { tabindex: "0" });
    const { canvas: outCanvas, title: outTitle } = panel(panels, "", "The output, one number for each place of the window. " + keys, { tabindex: "0" });
    const sum = element("div", { class: "dc-sum" }, root);
    const under = table(sum, "under the window", "span");
    element("span", { class: "dc-sign" }, sum, "×");
    const weights = table(sum, "kernel: yours to edit", "input", (t) => ({
      type: "text", inputmode: "text", autocomplete: "off", "aria-label": `kernel row ${Math.floor(t / 3) + 1} column ${(t % 3) + 1}`,
    }));
    element("span", { class: "dc-sign" }, sum, "=");
    const products = table(sum, "products", "span");
    element("span", { class: "dc-sign" }, sum, "Σ =");
    const total = element("output", {}, sum);
    const controls = element("div", { class: "figure-controls" }, root);
    const preset = chooser(controls, "Kernel", [...PRESETS.map(([name]) => name), "your own"], { class: "dc-preset" });
    const strideChooser = chooser(controls, "Stride", ["1", "2", "3"], { class: "dc-stride" });
    const paddingChooser = chooser(controls, "Padding", ["0", "1", "2"], { class: "dc-padding" });
    const say = message(root);

    const input = grid(inCanvas, tint), output = grid(outCanvas, tint);
    const room = Math.max(image.length, image[0].length) + 4;
    let kernel, stride = 1, padding = 0, place = { i: 0, j: 0 }, now;

    const within = (v, count) => Math.min(count - 1, Math.max(0, v));

    function paint() {
      const { i, j } = place;
      input.paint(now.rows, now.columns, room, (r, c) => ["ink", now.at(r, c)], [i * stride, j * stride, SIDE, SIDE], padding);
      output.paint(now.down, now.across, room, (r, c) => {
        const v = now.output[r][c];
        return [v < 0 ? "minus" : "plus", Math.abs(v) / now.largest];
      }, [i, j, 1, 1], 0);
      const found = now.products(i, j);
      under.forEach((cell, t) => { cell.textContent = show(now.at(i * stride + Math.floor(t / SIDE), j * stride + (t % SIDE))); });
      products.forEach((cell, t) => { cell.textContent = show(found[t]); });
      total.textContent = show(now.output[i][j]);
      inTitle.textContent = `Picture: ${image.length} × ${image[0].length}` + (padding ? `, with a margin of ${padding}` : "");
      outTitle.textContent = `Output: ${now.down} × ${now.across}, blue above 0, orange below`;
      say(minus(`Row ${i}, column ${j} of the output: the window starts at row ${i * stride - padding}, column ${j * stride - padding} of the picture.`));
    }

    function compute() {
      now = convolution(image, kernel, stride, padding);
      place = { i: within(place.i, now.down), j: within(place.j, now.across) };
      paint();
    }

    function choose(index) {
      kernel = PRESETS[index][1].slice();
      weights.forEach((field, t) => { field.value = show(kernel[t]); field.removeAttribute("aria-invalid"); });
      compute();
    }

    // Another stride or padding: the window stays where it was on the picture, as nearly as it can.
    function relay() {
      const was = { i: place.i * stride - padding, j: place.j * stride - padding };
      stride = Number(strideChooser.value);
      padding = Number(paddingChooser.value);
      place = { i: Math.round((was.i + padding) / stride), j: Math.round((was.j + padding) / stride) };
      compute();
    }

    function moveTo(i, j) {
      place = { i: within(i, now.down), j: within(j, now.across) };
      paint();
    }

    // The window is taken by its middle.
    const overInput = (event) => {
      const p = input.back(event);
      moveTo(Math.round((p.i - SIDE / 2) / stride), Math.round((p.j - SIDE / 2) / stride));
    };
    const overOutput = (event) => {
      const p = output.back(event);
      moveTo(Math.floor(p.i), Math.floor(p.j));
    };
    for (const [canvas, pointed] of [[inCanvas, overInput], [outCanvas, overOutput]]) {
      canvas.addEventListener("pointerdown", pointed);
      canvas.addEventListener("pointermove", pointed);
      whenArrows(canvas, (right, up) => moveTo(place.i - up, place.j + right));
    }
    weights.forEach((field, t) => field.addEventListener("input", () => {
      const value = read(field.value);
      if (!Number.isFinite(value)) { field.setAttribute("aria-invalid", "true"); return; }
      field.removeAttribute("aria-invalid");
      kernel[t] = value;
      preset.selectedIndex = PRESETS.length;
      compute();
    }));
    preset.addEventListener("change", () => { if (preset.selectedIndex < PRESETS.length) choose(preset.selectedIndex); });
    for (const select of [strideChooser, paddingChooser]) select.addEventListener("change", relay);

    preset.selectedIndex = strideChooser.selectedIndex = paddingChooser.selectedIndex = 0;
    place = { i: Math.floor(image.length / 2) - 2, j: Math.floor(image[0].length / 2) - 2 };
    choose(0);
    whenLookChanges(root, paint);
  }

  return setUp;
})
