// The page of the 24-hour weekend: a day's hours follow the time at which it begins. Nothing is kept or fetched.
"use strict";

(() => {
  const MINUTES_A_DAY = 24 * 60;

  const inMinutes = (text) => {
    const found = /^(\d{1,2}):(\d{2})/.exec(text);
    return found ? 60 * Number(found[1]) + Number(found[2]) : null;
  };

  const asTime = (minutes) => {
    const two = (number) => String(number).padStart(2, "0");
    return `${two(Math.floor((minutes % MINUTES_A_DAY) / 60))}:${two(minutes % 60)}`;
  };

  function follow(day) {
    const input = document.createElement("input");
    input.type = "time";
    input.value = day.querySelector("b").textContent;
    day.querySelector("b").replaceWith(input);
    const times = document.querySelectorAll(`time[data-day="${day.dataset.day}"]`);
    input.addEventListener("input", () => {
      const begin = inMinutes(input.value);
      if (begin === null) return; // half typed
      for (const time of times) time.textContent = asTime(begin + Number(time.dataset.after));
    });
  }

  document.querySelectorAll(".descent-sprint-start").forEach(follow);
})();
