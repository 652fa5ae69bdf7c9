// What the interactive figures draw curves and points with: a canvas with axes, linear or logarithmic.
(({ minus }) => {
  const FONT = "13px system-ui, 'DejaVu Sans', sans-serif";

  // 1e-3 → 10⁻³, 2e11 → 2.0 × 10¹¹.
  const raised = (power) => String(power).replace(/-/, "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  function scientific(v, digits) {
    const [head, power] = v.toExponential(digits === undefined ? 1 : digits).split("e");
    return `${minus(head)} × 10${raised(Number(power))}`;
  }

  function ticks({ range: [low, high], log }, room) {
    const found = [];
    if (log) {
      const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
      const step = Math.max(1, Math.ceil((last - first + 1) / room));
      for (let power = first; power <= last; power += step) found.push(10 ** power);
      return found;
    }
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(v);
    return found;
  }

  const label = (v, { log, range }) => log && (range[1] > 2e4 || range[0] < 5e-4)
    ? "10" + raised(Math.round(Math.log10(v))) : minus(String(Number(v.toFixed(6))));

  // Empties a canvas as wide as its panel, and gives it the screen's own pixels: its pen then counts in those of the page.
  function clear(canvas, aspect) {
    const ratio = window.devicePixelRatio || 1, pen = canvas.getContext("2d");
    const width = canvas.clientWidth || 300, height = Math.round(width * aspect);
    canvas.style.height = height + "px";
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { width, height };
  }

  // A canvas with axes, as wide as its panel and `aspect` times as high. An axis is {name, range: [low, high], log}; its range may change.
  function plot(canvas, axes, colour, aspect = 0.78) {
    const pad = { left: axes.y.log ? 54 : 44, right: axes.x.log ? 18 : 10, top: 8, bottom: 40 };
    const pen = canvas.getContext("2d");
    const self = { pen };
    const scale = (axis, v) => (axis.log ? Math.log10(v) : v);
    const share = (axis, v) => {
      const [low, high] = axis.range.map((end) => scale(axis, end));
      return (scale(axis, v) - low) / (high - low);
    };
    const unshare = (axis, part) => {
      const [low, high] = axis.range.map((end) => scale(axis, end));
      const v = low + part * (high - low);
      return axis.log ? 10 ** v : v;
    };
    self.prepare = () => {
      const { width, height } = clear(canvas, aspect);
      pen.font = FONT;
      self.box = { x: pad.left, y: pad.top, w: width - pad.left - pad.right, h: height - pad.top - pad.bottom };
    };
    self.x = (v) => self.box.x + share(axes.x, v) * self.box.w;
    self.y = (v) => self.box.y + (1 - share(axes.y, v)) * self.box.h;
    // The values under a pointer.
    self.back = (event) => {
      const edge = canvas.getBoundingClientRect();
      return {
        x: unshare(axes.x, (event.clientX - edge.left - self.box.x) / self.box.w),
        y: unshare(axes.y, 1 - (event.clientY - edge.top - self.box.y) / self.box.h),
      };
    };
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
    self.cross = (x, y, stroke) => {
      const px = self.x(x), py = self.y(y);
      pen.beginPath();
      pen.moveTo(px - 5, py - 5); pen.lineTo(px + 5, py + 5);
      pen.moveTo(px - 5, py + 5); pen.lineTo(px + 5, py - 5);
      pen.strokeStyle = stroke;
      pen.lineWidth = 2.5;
      pen.stroke();
    };
    self.line = (points, stroke, width, dashes) => {
      pen.beginPath();
      for (const [x, y] of points) pen.lineTo(self.x(x), self.y(y));
      pen.setLineDash(dashes || []);
      pen.strokeStyle = stroke;
      pen.lineWidth = width;
      pen.stroke();
      pen.setLineDash([]);
    };
    // Words beside a point, `align` "left", "center" or "right" of what stands at x.
    self.words = (text, x, y, fill, align) => {
      pen.fillStyle = fill;
      pen.textAlign = align || "left";
      pen.textBaseline = "bottom";
      pen.fillText(text, self.x(x), self.y(y) - 3);
    };
    self.axes = () => {
      const { x, y, w, h } = self.box;
      pen.strokeStyle = colour("rule");
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
      pen.fillStyle = colour("ink");
      pen.textAlign = "center";
      pen.textBaseline = "top";
      for (const v of ticks(axes.x, w / 44)) pen.fillText(label(v, axes.x), self.x(v), y + h + 5);
      pen.fillText(axes.x.name, x + w / 2, y + h + 22);
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (const v of ticks(axes.y, h / 28)) pen.fillText(label(v, axes.y), x - 6, self.y(v));
      pen.save();
      pen.translate(10, y + h / 2);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "center";
      pen.fillText(axes.y.name, 0, 0);
      pen.restore();
    };
    return self;
  }

  return { plot, clear, scientific };
})
