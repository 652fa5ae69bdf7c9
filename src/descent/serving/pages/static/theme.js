// Light or dark: as JupyterLab is, where the page stands in one of its tabs; else as the system is.
"use strict";

(() => {
  const page = document.documentElement;
  const lab = window.parent !== window ? window.parent.document.body : null;
  if (!lab) return;
  page.classList.add("in-lab");

  function followLab() {
    const light = lab.dataset.jpThemeLight;
    if (light) page.dataset.theme = light === "false" ? "dark" : "light";
  }

  new MutationObserver(followLab).observe(lab, { attributeFilter: ["data-jp-theme-light"] });
  followLab();
})();
