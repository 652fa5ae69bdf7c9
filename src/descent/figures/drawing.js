// A pad to draw a digit on, with what the network sees and what it says. Loaded by anywidget.
const SIDE = 112, SIZE = 280, PEN = 11, SEEN = 28;

function element(tag, attributes, parent, text) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
}

function bars(parent) {
  const rows = [];
  for (let digit = 0; digit < 10; digit++) {
    const row = element("div", { class: "dp-row" }, parent);
    element("span", { class: "dp-digit" }, row, String(digit));
    const track = element("span", { class: "dp-track" }, row);
    const bar = element("span", { class: "dp-bar" }, track);
    rows.push({ row, bar, value: element("span", { class: "dp-value" }, row) });
  }
  return (probabilities) => {
    const best = probabilities.length ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    rows.forEach(({ row, bar, value }, digit) => {
      const p = probabilities[digit] || 0;
      bar.style.width = `${(100 * p).toFixed(1)}%`;
      value.textContent = probabilities.length ? `${(100 * p).toFixed(0)} %` : "";
      row.classList.toggle("dp-best", digit === best);
    });
  };
}

function render({ model, el }) {
  const root = element("div", { class: "descent-pad", "data-lm-suppress-shortcuts": "true" }, el);
  const left = element("div", {}, root);
  element("div", { class: "dp-caption" }, left, "Draw a digit");
  const canvas = element("canvas", { class: "dp-canvas", width: SIZE, height: SIZE, role: "img", "aria-label": "Drawing pad: draw a digit with the mouse or a finger" }, left);
  const clear = element("button", { type: "button", class: "dp-clear" }, left, "Clear");
  const middle = element("div", {}, root);
  element("div", { class: "dp-caption" }, middle, "What the network sees");
  const seen = element("canvas", { class: "dp-seen", width: SEEN, height: SEEN, role: "img", "aria-label": "Your drawing, centred on 28 by 28 pixels" }, middle);
  const right = element("div", { class: "dp-answer" }, root);
  element("div", { class: "dp-caption" }, right, "What it says");
  const showBars = bars(right);
  const message = element("p", { class: "dp-message", role: "status" }, root);

  // Ink is kept as white on black, whatever the theme shows: brightness is what is sent.
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const small = element("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
  let last = null, waiting = null;

  function wipe() {
    pen.fillStyle = "#000000";
    pen.fillRect(0, 0, SIZE, SIZE);
  }

  function send() {
    waiting = null;
    small.drawImage(canvas, 0, 0, SIDE, SIDE);
    const pixels = small.getImageData(0, 0, SIDE, SIDE).data;
    const ink = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < ink.length; i++) ink[i] = pixels[4 * i];
    model.set("ink", new DataView(ink.buffer));
    model.save_changes();
  }

  const soon = () => { if (waiting === null) waiting = setTimeout(send, 150); };

  function place(event) {
    const edge = canvas.getBoundingClientRect();
    return { x: ((event.clientX - edge.left) * SIZE) / edge.width, y: ((event.clientY - edge.top) * SIZE) / edge.height };
  }

  function stroke(from, to) {
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2 * PEN;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
    pen.beginPath(); // a tap is a line of no length, which draws nothing
    pen.arc(to.x, to.y, PEN, 0, 2 * Math.PI);
    pen.fillStyle = "#ffffff";
    pen.fill();
    soon();
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = place(event);
    stroke(last, next);
    last = next;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  clear.addEventListener("click", () => { wipe(); send(); });

  function show() {
    const view = model.get("seen"), context = seen.getContext("2d");
    const picture = context.createImageData(SEEN, SEEN);
    for (let i = 0; i < SEEN * SEEN; i++) {
      const value = view && view.byteLength === SEEN * SEEN ? view.getUint8(i) : 0;
      picture.data.set([value, value, value, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
    showBars(model.get("probabilities"));
    message.textContent = model.get("message");
  }

  for (const name of ["seen", "probabilities", "message"]) model.on("change:" + name, show);
  wipe();
  show();
  return () => { clearTimeout(waiting); model.off(null, show); };
}

export default { render };
