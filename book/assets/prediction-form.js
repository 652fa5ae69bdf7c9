// The form in which a prediction is made: a number with its unit or one of the choices, and how sure one is.
"use strict";

window.descentPredictionForm = (() => {
  const { element } = window.descentPage;
  const { marginInWords } = window.descentPredictions;
  const LEAST_SURE = 50, STEP = 5; // percent
  const AMBIGUOUS = /^[+−-]?[1-9]\d{0,2}(,\d{3})+\b/; // to some 1,500 is more than a thousand, to others less than two

  /** Read "1 200", "0,5", "−3e-4" or "12 %"; NaN where it is no number. */
  function readNumber(text, unit) {
    const bare = unit && text.endsWith(unit) ? text.slice(0, -unit.length) : text;
    const plain = bare.replace(/[\s\u00a0\u2009\u202f_]/g, "").replace("−", "-").replace(",", ".");
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
  }

  function numberField(prediction) {
    const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off", className: "descent-number" });
    const label = element("label", {}, "Your prediction ", input, ` ${prediction.unit}`);
    return {
      field: label,
      first: input,
      read() {
        const text = input.value.trim();
        if (AMBIGUOUS.test(text)) return { problem: `${text} can be read in two ways. Write it with a point, or without the comma.` };
        const value = readNumber(text, prediction.unit);
        return Number.isFinite(value) ? { value } : { problem: "Write one number, such as 12 or 0.5." };
      },
    };
  }

  function choiceField(prediction, name) {
    const radios = prediction.choices.map((choice) => element("input", { type: "radio", name, value: choice }));
    const field = element("fieldset", {}, element("legend", {}, "Your prediction"));
    for (const radio of radios) field.append(element("label", {}, radio, ` ${radio.value}`));
    return {
      field,
      first: radios[0],
      read() {
        const chosen = radios.find((radio) => radio.checked);
        return chosen ? { value: chosen.value } : { problem: "Choose one of them first." };
      },
    };
  }

  /** How sure the reader is: a slider, and what it says in words. */
  function sureField() {
    const slider = element("input", { type: "range", min: LEAST_SURE, max: 100, step: STEP, value: LEAST_SURE });
    const shown = element("span", { className: "descent-sure", "aria-hidden": "true" }); // the slider itself is read aloud
    const show = () => {
      shown.textContent = `${slider.value} %`;
      slider.setAttribute("aria-valuetext", `${slider.value} percent sure`);
    };
    slider.addEventListener("input", show);
    show();
    const scale = element("span", { className: "descent-scale" }, "50 %: a guess. 100 %: certain.");
    return { field: element("label", {}, "How sure are you? ", slider, " ", shown, " ", scale), read: () => Number(slider.value) / 100 };
  }

  /** A form for a prediction. `number` tells it from the others of the page; `commit` is called with the value and the sureness. */
  function makeForm(prediction, number, commit) {
    const quantity = prediction.kind === "choice" ? choiceField(prediction, `descent-predict-${number}`) : numberField(prediction);
    const sure = sureField(), problem = element("p", { className: "descent-problem", role: "alert" });
    const margin = marginInWords(prediction);
    // Hidden until the record is read: a prediction of the notebook may be in it.
    const form = element("form", { className: "descent-form", noValidate: true, hidden: true }, quantity.field);
    if (margin) form.append(element("p", { className: "descent-hint" }, `An answer ${margin} counts as right.`));
    form.append(sure.field, problem, element("button", { type: "submit" }, "Commit"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const read = quantity.read();
      problem.textContent = read.problem ?? "";
      if (read.problem) quantity.first.focus();
      else commit(read.value, sure.read());
    });
    return form;
  }

  return makeForm;
})();
