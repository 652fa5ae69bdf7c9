// A pipeline in the reader's hands: stages and micro-batches, the schedule as blocks, and the bubble.
(({ element, whenLookChanges, slider, key, readout, message, whenPulled, within }) => {
  const ROOM = 24; // pixels that a block needs to show its name

  // For each stage its blocks {kind, part, tick}: all forward passes, then all backward passes, each as early as can be.
  function schedule(stages, parts) {
    const half = parts + stages - 1;
    return Array.from({ length: stages }, (_, stage) => ["F", "B"].flatMap((kind) =>
      Array.from({ length: parts }, (_, part) => ({ kind, part, tick: part + (kind === "F" ? stage : half + stages - 1 - stage) }))));
  }

  const percent = (v) => (100 * v).toFixed(1) + " %";

  function setUp(root, problem) {
    let [stages, parts] = problem.start, tick = 0, rows, lines;

    const controls = element("div", { class: "figure-controls" }, root);
    const { input: stagesInput, say: sayStages } = slider(controls, "stages p", { class: "dg-stages", min: 1, max: problem.most[0], step: 1, value: stages });
    const { input: partsInput, say: sayParts } = slider(controls, "micro-batches m", { class: "dg-parts", min: 1, max: problem.most[1], step: 1, value: parts });
    key(root, [["dg-F", "forward"], ["dg-B", "backward"], ["dg-idle", "waits: the bubble"]]);
    const list = element("div", { class: "dg-rows", role: "list" }, root);
    const { input: tickInput, say: sayTick } = slider(root, "tick", { class: "dg-tick", min: 0, step: 1, value: 0 });
    const whole = element("div", { class: "dg-whole", role: "img" }, root);
    const working = element("span", { class: "dg-working" }, whole), waiting = element("span", { class: "dg-waiting dg-idle" }, whole);
    const tell = readout(root), say = message(root);

    const ticks = () => 2 * (parts + stages - 1);

    function build() {
      rows = schedule(stages, parts);
      tick = Math.min(tick, ticks() - 1);
      list.textContent = "";
      lines = rows.map((blocks, stage) => {
        const half = parts + stages - 1, last = (kind) => blocks.filter((block) => block.kind === kind).pop().tick;
        const row = element("div", { class: "dg-row", role: "listitem" }, list);
        element("span", { class: "figure-hidden" }, row, `Stage ${stage}: forward in ticks ${stage} to ${last("F")}, backward in ticks ${half + stages - 1 - stage} to ${last("B")}, waits in ${ticks() - 2 * parts} of ${ticks()}.`);
        element("span", { class: "dg-stage", "aria-hidden": "true" }, row, `stage ${stage}`);
        const track = element("span", { class: "dg-track dg-idle", "aria-hidden": "true" }, row);
        for (const { kind, part, tick: at } of blocks) {
          const block = element("span", { class: `dg-block dg-${kind}` + (part % 2 ? " dg-odd" : "") }, track);
          element("b", {}, block, kind + part);
          block.style.left = (100 * at) / ticks() + "%";
          block.style.width = 100 / ticks() + "%";
        }
        return { track, cursor: element("span", { class: "dg-cursor" }, track) };
      });
      paint();
    }

    function paint() {
      const bubble = (stages - 1) / (parts + stages - 1), width = lines[0].track.clientWidth / ticks();
      list.classList.toggle("dg-narrow", width < ROOM);
      for (const { cursor } of lines) {
        cursor.style.left = (100 * tick) / ticks() + "%";
        cursor.style.width = 100 / ticks() + "%";
      }
      sayStages(String(stages));
      sayParts(String(parts));
      tickInput.max = ticks() - 1;
      tickInput.value = tick;
      sayTick(`${tick}, the last is ${ticks() - 1}`);
      working.style.width = 100 * (1 - bubble) + "%";
      waiting.style.width = 100 * bubble + "%";
      working.textContent = `working ${percent(1 - bubble)}`;
      waiting.textContent = waiting.clientWidth >= 4 * ROOM ? `bubble ${percent(bubble)}` : "";
      whole.setAttribute("aria-label", `Of all ticks of all stages ${percent(1 - bubble)} are work, ${percent(bubble)} are the bubble.`);
      tell([
        ["ticks 2(m + p − 1) =", String(ticks())],
        ["bubble (p − 1)/(m + p − 1) =", `${stages - 1}/${parts + stages - 1} = ${percent(bubble)}`],
        ["faster than one stage", `${((parts * stages) / (parts + stages - 1)).toFixed(2)} times`],
        ["micro-batches held at once", String(parts)],
      ]);
      const now = rows.map((blocks) => blocks.find((block) => block.tick === tick));
      const done = now.map((block, stage) => `stage ${stage} ${block ? block.kind + block.part : "waits"}`);
      const idle = now.filter((block) => !block).length;
      say(`Tick ${tick}: ${done.join(", ")}. ` + (idle === 0 ? "All work." : `${idle} of ${stages} wait.`));
    }

    const change = () => {
      stages = Number(stagesInput.value);
      parts = Number(partsInput.value);
      build();
    };
    stagesInput.addEventListener("input", change);
    partsInput.addEventListener("input", change);
    tickInput.addEventListener("input", () => { tick = Number(tickInput.value); paint(); });
    whenPulled(list, (event) => {
      const { left, width } = lines[0].track.getBoundingClientRect();
      tick = within(Math.floor((ticks() * (event.clientX - left)) / width), [0, ticks() - 1]);
      paint();
    });

    build();
    whenLookChanges(root, paint);
  }

  return setUp;
})
