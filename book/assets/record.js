// The learner's record, for the pages of the book: what they answered, predicted and wrote.
//
// An event is the same object as in the course's own record (descent.study.events). Under `make start`
// events go to the server. From disk, or from any web host, they stay in this browser. An event is
// put into the browser's storage first in either case, and leaves it when the server has said that
// it has it: what could not be sent is sent the next time.
"use strict";

window.descentRecord = (() => {
  const { button, element } = window.descentPage;
  const KEY = "descent.record.v1";
  const DRAFTS = "descent.draft.v1/";
  const DAMAGED = `${KEY}.damaged`;
  const MOST_AT_ONCE = 500; // events in one request; the server takes 4 MiB
  const PREDICTION = "prediction:"; // before the id of a missed prediction's card: another card may have the same one
  const MOST_CHARACTERS = 1_000_000;
  const PATIENCE = 8000; // milliseconds for the server to answer

  const NO_STORAGE = "This browser lets the page keep nothing (a private window, or storage that is switched off). "
    + "What you do here is lost when the page is closed, unless you save it to a file on the page “Review”.";
  const FULL = "The storage that this browser gives the book is full. What you do now is lost when the page is closed. "
    + "Save the record to a file on the page “Review”.";
  const NEWER = "The record in this browser was made by a newer version of the book. It is left as it is, and what you do "
    + "here is lost when the page is closed, unless you save it to a file. Read the newer book.";
  const BROKEN = "The record in this browser could not be read. It was put aside, under the name "
    + `${DAMAGED}, and a new one was begun.`;
  const AWAY = "The course’s server does not answer. What you do is kept in this browser, and sent the next time.";
  const LOGGED_OUT = "The server wants a log-in: open the address that make start printed. Until then what you do is kept "
    + "in this browser.";

  const own = new Map(); // what this window made and no server has yet, by uid: in the storage too, where that takes it
  const onServer = new Map(); // what the server has said that it has, by uid
  const refused = new Set(); // uids that the server does not take
  const listeners = [];
  const said = new Set();
  let server = findServer();
  let lastText = null, lastStored = [], newer = false, sorted = null, lastTime = 0, sending = null;

  // --- Words to the reader --------------------------------------------------------------------------

  /** Say something that matters, once, in a strip at the foot of the window. */
  function tell(message) {
    if (said.has(message)) return;
    said.add(message);
    if (document.body) show(message);
    else document.addEventListener("DOMContentLoaded", () => show(message));
  }

  function show(message) {
    let strip = document.querySelector(".descent-notice");
    if (!strip) {
      strip = element("div", { className: "descent-notice", role: "status" });
      document.body.append(strip);
    }
    const note = element("p", {}, `${message} `, button("Close", () => note.remove()));
    strip.append(note);
  }

  // --- The browser's storage ------------------------------------------------------------------------

  function byUid(...lists) {
    const found = new Map();
    for (const event of lists.flat()) if (!found.has(event.uid)) found.set(event.uid, event);
    return [...found.values()];
  }

  /** What the browser keeps. Read anew each time: another window may have written. */
  function stored() {
    let text;
    try {
      text = window.localStorage.getItem(KEY);
    } catch {
      tell(NO_STORAGE);
      return [];
    }
    if (text === lastText) return lastStored;
    lastText = text;
    lastStored = text === null ? [] : readStored(text);
    return lastStored;
  }

  function readStored(text) {
    let found = null;
    try {
      found = JSON.parse(text);
    } catch { /* told below */ }
    if (Array.isArray(found)) return found.filter(isEvent);
    if (found !== null && typeof found === "object") {
      newer = true;
      tell(NEWER);
    } else {
      putAside(text);
    }
    return [];
  }

  function putAside(text) {
    try {
      window.localStorage.setItem(DAMAGED, text);
      window.localStorage.removeItem(KEY);
      tell(BROKEN);
    } catch {
      newer = true; // it cannot be put aside, so nothing may be written over it
      tell(FULL);
    }
  }

  /** Replace what the browser keeps; false, with a word to the reader, where it takes nothing. */
  function store(events) {
    if (newer) return false;
    try {
      const text = JSON.stringify(events);
      window.localStorage.setItem(KEY, text);
      [lastText, lastStored] = [text, events];
      return true;
    } catch (error) {
      tell(error.name === "QuotaExceededError" && stored().length ? FULL : NO_STORAGE);
      return false;
    }
  }

  function keep(events) {
    for (const event of events) own.set(event.uid, event);
    store(byUid(stored(), [...own.values()]));
    changed();
  }

  /**
   * Another window wrote. Where both wrote in the same moment, the one did not see what the other had written, and
   * wrote over it: what is ours and missing is put back. When all was deleted there, it is deleted here.
   */
  function othersWrote({ key, newValue }) {
    if (key !== KEY) return;
    if (newValue === null) own.clear();
    const there = new Set(stored().map(({ uid }) => uid));
    if ([...own.keys()].some((uid) => !there.has(uid))) store(byUid(stored(), [...own.values()]));
    changed();
  }

  function drop(uids) {
    for (const uid of uids) own.delete(uid);
    const before = stored();
    const after = before.filter((event) => !uids.has(event.uid));
    if (after.length < before.length) store(after);
  }

  // --- Events ---------------------------------------------------------------------------------------

  const isText = (value) => typeof value === "string";

  function isEvent(value) {
    return value !== null && typeof value === "object" && isText(value.uid) && value.uid !== ""
      && Number.isFinite(value.at) && isText(value.kind) && isText(value.chapter) && isText(value.exercise);
  }

  /** The event with every field there is, for one from a file that may lack some. */
  function whole(event) {
    const data = event.data !== null && typeof event.data === "object" && !Array.isArray(event.data) ? event.data : {};
    const seconds = Number.isFinite(event.seconds) ? event.seconds : 0;
    return { ...event, outcome: event.outcome ?? null, mistake: event.mistake ?? null, seconds, data };
  }

  function newUid() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Seconds since 1970. Of two events of one page the later has the later time, whatever the clock does. */
  function newTime() {
    lastTime = Math.max(Date.now() / 1000, lastTime + 0.001);
    return lastTime;
  }

  /** Record that something happened to an item of a chapter, and return the event. */
  function add(kind, chapter, item, data) {
    const event = {
      uid: newUid(), at: newTime(), kind, chapter, exercise: item,
      outcome: null, mistake: null, seconds: 0, data,
    };
    keep([event]);
    send();
    return event;
  }

  /** Follow a name to the one in use; a ring of names ends where it began. */
  function presentName(name) {
    const former = window.DESCENT_FORMER_IDS ?? {}, seen = new Set([name]);
    while (Object.hasOwn(former, name) && !seen.has(former[name])) {
      name = former[name];
      seen.add(name);
    }
    return name;
  }

  /** The event under the names that things have now, as descent.study.former_ids has it. What is kept keeps its own. */
  function renamed(event) {
    const chapter = presentName(event.chapter);
    const mark = event.exercise.startsWith(PREDICTION) ? PREDICTION : ""; // the review of one that was missed
    const item = presentName(`${chapter}/${event.exercise.slice(mark.length)}`);
    return { ...event, chapter, exercise: mark + (item.startsWith(`${chapter}/`) ? item.slice(chapter.length + 1) : item) };
  }

  /** All events, oldest first. */
  function events() {
    const here = stored();
    if (sorted === null || sorted.here !== here) {
      const all = byUid([...onServer.values()], here, [...own.values()]).map(whole).map(renamed);
      all.sort((a, b) => a.at - b.at || (a.uid < b.uid ? -1 : 1));
      sorted = { here, all, byItem: null };
    }
    return sorted.all;
  }

  /** The events of one item of a chapter, oldest first. A page asks for many items, so they are looked up. */
  function eventsOf(chapter, item) {
    const all = events();
    if (sorted.byItem === null) {
      sorted.byItem = new Map();
      for (const event of all) {
        const key = `${event.chapter}/${event.exercise}`;
        if (sorted.byItem.has(key)) sorted.byItem.get(key).push(event);
        else sorted.byItem.set(key, [event]);
      }
    }
    return sorted.byItem.get(`${chapter}/${item}`) ?? [];
  }

  /** Those of one kind among them. */
  const find = (kind, chapter, item) => eventsOf(chapter, item).filter((event) => event.kind === kind);

  function changed() {
    sorted = null;
    for (const listener of listeners) listener();
  }

  // --- The server -----------------------------------------------------------------------------------

  /** Where the Jupyter server is: what comes before `/book/`, the root of the pages; or null. */
  function findServer() {
    const root = document.documentElement.dataset.content_root ?? "./";
    const { pathname, protocol } = new URL(root, window.location.href);
    return protocol.startsWith("http") && pathname.endsWith("/book/") ? pathname.slice(0, -"/book/".length) : null;
  }

  async function ask(options = {}) {
    const control = new AbortController();
    const timer = window.setTimeout(() => control.abort(), PATIENCE);
    try {
      return await fetch(`${server}/descent/events`, { ...options, credentials: "same-origin", signal: control.signal });
    } finally {
      window.clearTimeout(timer);
    }
  }

  /** Read what the server has. A host that answers with anything but JSON is no server of ours. */
  async function load() {
    if (server === null) return;
    try {
      const answer = await ask();
      if (!answer.headers.get("Content-Type")?.includes("json")) forgetServer();
      else if (answer.status === 403) tell(LOGGED_OUT);
      else if (!answer.ok) tell(AWAY);
      else take(await answer.json());
    } catch {
      tell(AWAY);
    }
  }

  function forgetServer() {
    server = null;
    changed();
  }

  function take(answer) {
    if (answer.notice) tell(answer.notice);
    const before = onServer.size;
    for (const event of answer.events) onServer.set(event.uid, event);
    if (onServer.size !== before) changed();
  }

  const cookie = (name) => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1] ?? "";

  /** Send what waits in this browser; what arrives leaves it. Resolves when nothing more can be sent. */
  function send() {
    if (server === null) return Promise.resolve();
    sending ??= ready.then(sendAll).finally(() => { sending = null; }); // reading brings the cookie that sending needs
    return sending;
  }

  async function sendAll() {
    let most = MOST_AT_ONCE;
    for (;;) {
      const batch = nextBatch(most);
      if (!batch.length) return;
      const answer = await post(batch);
      if (answer === null) return;
      if (answer.ok) arrived(batch);
      else if (batch.length > 1) most = Math.ceil(batch.length / 2); // to find the one that is refused
      else refuse(batch[0], answer.message);
    }
  }

  function nextBatch(most) {
    const batch = [];
    let characters = 0;
    for (const event of byUid(stored(), [...own.values()])) {
      if (refused.has(event.uid)) continue;
      characters += JSON.stringify(event).length;
      if (batch.length && (batch.length === most || characters > MOST_CHARACTERS)) break;
      batch.push(event);
    }
    return batch;
  }

  /** Post events. `{ok}` or `{ok, message}` when the server answered about them; null when it did not. */
  async function post(batch) {
    try {
      const answer = await ask({
        method: "POST",
        headers: { "Content-Type": "application/json", "X-XSRFToken": cookie("_xsrf") },
        body: JSON.stringify({ events: batch.map(whole) }),
      });
      if (answer.ok) return { ok: true };
      if (answer.status === 400 || answer.status === 413) return { ok: false, ...(await answer.json()) };
      tell(answer.status === 403 ? LOGGED_OUT : AWAY);
    } catch {
      tell(AWAY);
    }
    return null;
  }

  function arrived(batch) {
    for (const event of batch) onServer.set(event.uid, event);
    drop(new Set(batch.map((event) => event.uid)));
    changed();
  }

  function refuse(event, message) {
    refused.add(event.uid);
    tell(`The server did not take something that you did (${message}) It stays in this browser.`);
  }

  /** What another window, a notebook or the terminal added while this window was not looked at. */
  async function lookAgain() {
    await load();
    await send();
  }

  // --- Files ----------------------------------------------------------------------------------------

  /** All events as the text of a file: JSON lines, one event a line. */
  const asText = () => events().map((event) => `${JSON.stringify(event)}\n`).join("");

  /** Add the events of such a text. Returns how many were new, were known, and how many lines were no event. */
  function merge(text) {
    const known = new Set(events().map((event) => event.uid));
    const fresh = new Map();
    const count = { added: 0, known: 0, broken: 0 };
    for (const line of text.split("\n").filter((one) => one.trim())) {
      let event = null;
      try {
        event = JSON.parse(line);
      } catch { /* counted below */ }
      if (!isEvent(event)) count.broken += 1;
      else if (known.has(event.uid) || fresh.has(event.uid)) count.known += 1;
      else fresh.set(event.uid, whole(event));
    }
    count.added = fresh.size;
    if (fresh.size) {
      keep([...fresh.values()]);
      send();
    }
    return count;
  }

  /** Forget all that this browser keeps, drafts included. What a server has is not touched. */
  function deleteAll() {
    own.clear();
    try {
      const names = Object.keys(window.localStorage);
      for (const name of names) if (name === KEY || name === DAMAGED || name.startsWith(DRAFTS)) window.localStorage.removeItem(name);
      newer = false;
    } catch { /* there is no storage, and so nothing in it */ }
    changed();
  }

  // --- Drafts: what is being written, kept at every keystroke and in no record ----------------------

  function draft(chapter, item) {
    try {
      return window.localStorage.getItem(`${DRAFTS}${chapter}/${item}`);
    } catch {
      return null;
    }
  }

  function keepDraft(chapter, item, text) {
    try {
      window.localStorage.setItem(`${DRAFTS}${chapter}/${item}`, text);
    } catch {
      tell(stored().length ? FULL : NO_STORAGE);
    }
  }

  // --- What the pages use ---------------------------------------------------------------------------

  /** Call a function now, when the record is read, and whenever it changes. */
  function watch(listener) {
    listeners.push(listener);
    listener();
  }

  window.addEventListener("storage", othersWrote);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") lookAgain(); });

  /** Resolves when the server, where there is one, has been asked what it has. */
  const ready = load();
  ready.then(send);

  return {
    PREDICTION, add, asText, deleteAll, draft, events, eventsOf, find, keepDraft, merge, presentName, ready, watch,
    /** The address before `/book/` under the Jupyter server, else null. */
    get server() { return server; },
  };
})();
