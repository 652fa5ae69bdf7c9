// JupyterLab's side of the start page: the first tab, always there, shows /descent/start.
//
// This is a prebuilt extension written by hand: what a bundler would make is a container that
// JupyterLab gives its shared modules to and asks for the extension, and so little is that.
"use strict";

(() => {
  const TAB = "descent-start";

  /** Return a module that JupyterLab shares, so that classes are its own and not copies. */
  async function sharedModule(scope, name) {
    const [provided] = Object.values(scope[name]);
    return (await provided.get())();
  }

  /** A tab that shows a page of the server. */
  function makePageTab(Widget, id, label, address) {
    const tab = new Widget();
    const frame = document.createElement("iframe");
    frame.title = label;
    frame.style.cssText = "border: 0; width: 100%; height: 100%; display: block";
    frame.src = address;
    tab.node.append(frame);
    tab.onActivateRequest = () => frame.contentWindow?.focus(); // the keyboard is the page's then
    tab.id = id;
    tab.addClass("jp-IFrame"); // JupyterLab covers these while a tab is dragged over them
    tab.title.iconClass = "descent-start-icon";
    tab.title.label = label;
    tab.title.closable = true;
    return { tab, frame };
  }

  /** The tab that shows the start page, and opens its notebooks and pages as other tabs. */
  function makeTab(app, Widget) {
    const { tab, frame } = makePageTab(Widget, TAB, "Start", `${baseUrl()}descent/start`);
    frame.addEventListener("load", () => {
      frame.contentDocument.addEventListener("click", (event) => openHere(app, Widget, event));
    });
    tab.title.closable = false;
    tab.title.caption = "Where you are, and what opens next";
    return tab;
  }

  /** Show a page of the book as a tab: the one that shows it already, else a new one. */
  function openPage(app, Widget, link) {
    const id = `descent-page-${link.dataset.page}`;
    const shown = [...app.shell.widgets("main")].find((widget) => widget.id === id);
    if (!shown) {
      app.shell.add(makePageTab(Widget, id, link.dataset.title, link.href).tab, "main");
    }
    app.shell.activateById(id);
  }

  /** Give the tab its picture, which a style sheet has to say. */
  function addIcon() {
    const style = document.createElement("style");
    style.textContent = `.descent-start-icon {
      background: url("${baseUrl()}descent/static/mark.svg") center / contain no-repeat;
    }`;
    document.head.append(style);
  }

  function baseUrl() {
    return JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl;
  }

  /** Open what a link of the start page leads to as a tab, where it is a notebook or one of its pages. */
  async function openHere(app, Widget, event) {
    const link = event.target.closest("a[data-notebook], a[data-page]");
    const wantsOwnWindow = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!link || wantsOwnWindow) return;
    event.preventDefault();
    if (link.dataset.page) {
      openPage(app, Widget, link);
      return;
    }
    if (link.pathname.includes("/descent/open/")) {
      // The answer is a redirect to the copy, which is there from then on; or a page with the reason why not.
      const answer = await fetch(link.href, { redirect: "manual" });
      if (answer.type !== "opaqueredirect") {
        window.location.assign(link.href);
        return;
      }
    }
    app.commands.execute("docmanager:open", { path: link.dataset.notebook });
  }

  function isEmpty(shell) {
    return [...shell.widgets("main")].length === 0;
  }

  /** Put the tab before all others; in front of them when no file was asked for by the address. */
  function showTab(app, Widget, inFront) {
    const others = [...app.shell.widgets("main")];
    if (others.some((widget) => widget.id === TAB)) return;
    const place = others.length ? { ref: others[0].id, mode: "tab-before" } : {};
    app.shell.add(makeTab(app, Widget), "main", { ...place, activate: inFront });
    for (const launcher of others.filter((widget) => widget.id.startsWith("launcher-"))) {
      launcher.dispose();
    }
  }

  function plugin(Widget) {
    return {
      id: "descent-start:plugin",
      description: "The start page of Descent as the first tab.",
      autoStart: true,
      activate(app) {
        addIcon();
        const asksForAFile = window.location.pathname.includes("/tree/");
        let restored = false;
        // Connected before the launcher's own handler, which fills an empty middle with a launcher.
        app.shell.layoutModified?.connect(() => {
          if (restored && isEmpty(app.shell)) showTab(app, Widget, true);
        });
        app.restored.then(() => { // not awaited: nothing is restored until all are activated
          restored = true;
          showTab(app, Widget, !asksForAFile);
        });
      },
    };
  }

  let scope = null;
  const container = {
    init(shared) { scope = shared; },
    async get() {
      const { Widget } = await sharedModule(scope, "@lumino/widgets");
      return () => plugin(Widget);
    },
  };
  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB[TAB] = container;
})();
