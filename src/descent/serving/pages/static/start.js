// Keeps the start page up to date: when it is looked at again, and every few seconds while it is.
"use strict";

(() => {
  const EVERY = 10_000; // milliseconds
  let shown = null;
  let asking = false;

  /** Whether anyone can see the page: a tab of JupyterLab that is behind another has no width. */
  function isSeen() {
    return document.visibilityState === "visible" && window.innerWidth > 0;
  }

  async function refresh() {
    if (asking || !isSeen()) return;
    asking = true;
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) replacePage(await answer.text());
    } catch {
      // The server was stopped; what is shown stays.
    } finally {
      asking = false;
    }
  }

  function replacePage(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("page");
    if (!fresh || fresh.innerHTML === shown) return;
    shown = fresh.innerHTML;
    const page = document.getElementById("page");
    const focused = page.contains(document.activeElement) ? document.activeElement : null;
    const at = focused ? [...page.querySelectorAll("a, summary")].indexOf(focused) : -1;
    const how = document.getElementById("how");
    fresh.querySelector("#how").open = how.open;
    page.replaceChildren(...fresh.childNodes);
    page.querySelectorAll("a, summary")[at]?.focus({ preventScroll: true });
  }

  shown = document.getElementById("page").innerHTML;
  document.addEventListener("visibilitychange", refresh);
  window.addEventListener("resize", refresh);
  window.addEventListener("focus", refresh);
  window.setInterval(refresh, EVERY);
})();
