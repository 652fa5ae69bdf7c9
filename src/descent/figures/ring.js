// A ring all-reduce in the reader's hands: one step forward or back, what has just arrived is framed.
(({ element, message, whenArrows }) => {
  const same = (one, two) => one.join() === two.join();

  function setUp(root, problem) {
    const { added } = problem;
    const processes = added[0].length, parts = added[0][0].length, last = added.length - 1;
    let step = 0;

    const controls = element("div", { class: "figure-controls" }, root);
    const back = element("button", { type: "button" }, controls, "Back");
    const next = element("button", { type: "button" }, controls, "Next step");
    const where = element("span", { class: "dr-where" }, controls);
    back.addEventListener("click", () => show(step - 1));
    next.addEventListener("click", () => show(step + 1));
    whenArrows(controls, (right) => show(step + right));

    const table = element("table", { class: "dr-table" }, root);
    const head = element("tr", {}, element("thead", {}, table));
    element("td", {}, head);
    for (let part = 0; part < parts; part++) element("th", { scope: "col" }, head, `part ${part}`);
    const body = element("tbody", {}, table);
    const cells = added[0].map((_, process) => {
      const row = element("tr", {}, body);
      element("th", { scope: "row" }, row, `process ${process}`);
      return added[0][process].map(() => element("td", { class: "dr-cell" }, row));
    });
    const say = message(root);

    function show(wanted) {
      step = Math.min(last, Math.max(0, wanted));
      const arrived = [];
      cells.forEach((row, process) => row.forEach((cell, part) => {
        const now = added[step][process][part];
        const fresh = step > 0 && !same(now, added[step - 1][process][part]);
        cell.textContent = now.join(" + ");
        cell.style.setProperty("--figure-weight", String(now.length / processes));
        cell.classList.toggle("dr-fresh", fresh);
        cell.classList.toggle("dr-whole", now.length === processes);
        if (fresh) arrived.push(`${process} gets part ${part}`);
      }));
      back.disabled = step === 0;
      next.disabled = step === last;
      where.textContent = step === 0 ? `start, of ${last} steps` : `step ${step} of ${last}`;
      const whole = added[step].flat().filter((cell) => cell.length === processes).length;
      say(step === 0
        ? "Each process has its own values in every part. A cell names the processes whose values are in the sum."
        : `Process ${arrived.join(", ")}. Finished: ${whole} of ${processes * parts} cells.`);
    }

    show(0);
  }

  return setUp;
})
