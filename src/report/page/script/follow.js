/**
 * Follows runs while they go on (pefd report --serve): asks for the page again, and puts in the parts that have changed.
 * It is the first of the page's scripts, so that it sees the parts as they came.
 */

/** Polling interval in milliseconds. */
const PAUSE = 2000;

/** The parts of a page by their ids. @param {Document} page */
const partsOf = (page) => new Map([...page.querySelectorAll("main > [id]")].map((part) => [part.id, part]));

/** By id, what came last. @type {Map<string, string>} */
let received = new Map([...partsOf(document)].map(([id, part]) => [id, part.outerHTML]));
let version = document.documentElement.dataset.version ?? "";

/** Saves open details and keyboard focus, to restore them. */
function remember() {
  const open = [...document.querySelectorAll("details[open] > summary")].map((it) => it.textContent);
  const focused = document.activeElement?.id ?? "";
  const field = document.activeElement instanceof HTMLInputElement ? document.activeElement : null;
  const caret = field?.type === "search" ? field.selectionStart : null;
  return () => {
    for (const summary of document.querySelectorAll("details > summary")) {
      const details = /** @type {HTMLDetailsElement} */ (summary.parentElement);
      if (open.includes(summary.textContent)) details.open = true;
    }
    const element = focused === "" ? null : document.getElementById(focused);
    element?.focus({ preventScroll: true });
    if (caret !== null && element instanceof HTMLInputElement) {
      element.setSelectionRange(caret, caret);
    }
  };
}

/** Puts in what has changed. @param {string} html */
function renew(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const [now, next] = [partsOf(document), partsOf(page)];
  const restore = remember();
  for (const [id, part] of now) if (!next.has(id)) part.remove();
  /** @type {Element | null} */
  let before = null;
  const texts = new Map([...next].map(([id, part]) => [id, part.outerHTML]));
  for (const [id, part] of next) {
    const old = now.get(id);
    if (old !== undefined && texts.get(id) === received.get(id)) {
      before = old;
      continue;
    }
    if (old !== undefined) old.replaceWith(part);
    else if (before !== null) before.after(part);
    else document.querySelector("main")?.prepend(part);
    before = part;
  }
  received = texts;
  document.title = page.title;
  document.dispatchEvent(new Event("pefd-renewed"));
  restore();
}

/** @param {string} text */
function say(text) {
  const status = document.querySelector("#following");
  if (status !== null && status.textContent !== text) status.textContent = text;
}

async function look() {
  const headers = { "If-None-Match": `"${version}"` };
  const answer = await fetch(location.href, { headers, cache: "no-store" });
  if (answer.status !== 304 && !answer.ok) throw new Error(`status ${answer.status}`);
  if (answer.ok) {
    version = (answer.headers.get("ETag") ?? "").replaceAll('"', "");
    renew(await answer.text());
  }
  say("Live.");
}

async function follow() {
  if (document.visibilityState === "visible") {
    await look().catch(() => say("pefd report does not respond; showing the last state."));
  }
  setTimeout(follow, PAUSE);
}

setTimeout(follow, PAUSE);
