/**
 * Parts of a page that are fetched anew: the server renders them, and this puts them in the place of the old ones.
 * So there is one template for each, whether a browser runs scripts or not.
 */

import { reach, Silence, tellSilence } from "./api.js";

let isSilent = false; // whether what is said is that the service does not answer

/** Fetch a page of ours. Returns it parsed, and whether the server did what was asked. Throws what `reach` does. */
export async function fetchPage(url, options = {}) {
  const response = await reach(url, { headers: { Accept: "text/html" }, ...options });
  const text = await response.text().catch(tellSilence);
  return { ok: response.ok, page: new DOMParser().parseFromString(text, "text/html") };
}

/** Return in words what a page says that is wrong. */
export function refusalOf(page) {
  return page.querySelector(".refusal")?.textContent.trim() ?? "That did not work: load the page again.";
}

/** Show in a region, in the place of what was there, why nothing else is. */
export function showRefusal(region, text) {
  const told = document.createElement("p");
  told.className = "refusal";
  told.setAttribute("role", "alert");
  told.textContent = text;
  region.replaceChildren(told);
}

/** Put the elements of these ids in the place of those of this page. What somebody types in stays as it is, or is all
 *  in the new part too: `isWhole`. What somebody checked, by its id, stays checked. */
export function take(fresh, ids, isWhole = false) {
  for (const id of ids) {
    const old = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (!old || !next || old.innerHTML === next.innerHTML || (isTypedIn(old) && !isWhole)) continue;
    const focused = old.contains(document.activeElement) ? nameOf(document.activeElement) : "";
    const scrolled = old.querySelector(".scroll")?.scrollLeft;
    const checked = isWhole ? [] : [...old.querySelectorAll("[type=checkbox]:checked")].map((one) => one.id);
    old.replaceChildren(...next.childNodes);
    for (const one of old.querySelectorAll("[type=checkbox]")) one.checked ||= checked.includes(one.id);
    if (scrolled) old.querySelector(".scroll")?.scrollTo({ left: scrolled });
    if (focused) (old.querySelector(focused) ?? successor(old, focused))?.focus();
  }
}

/** How an element is found again in a newer part: by its id, by where it leads, or as the box that is scrolled. */
function nameOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches(".scroll")) return ".scroll";
  return element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : "";
}

function isTypedIn(region) {
  const one = document.activeElement;
  return region.contains(one) && one.matches("input:not([type=checkbox]), textarea");
}

/** What takes the focus of what is gone: another button of the same job, or the first link. name: of the old one. */
function successor(region, name) {
  const [, job] = name.match(/^#\w+-(\w+)$/) ?? [];
  return (job && region.querySelector(`button[id$="-${job}"]`)) || region.querySelector("a[href]");
}

/** Say something to everybody: it is shown, and read out. */
export function say(text) {
  isSilent = false;
  document.getElementById("said").textContent = text;
}

/** Do something that asks the service, and say that it does not answer until it does. Returns whether it did. */
export async function attempt(action) {
  try {
    await action();
    if (isSilent) say("");
    return true;
  } catch (error) {
    if (!(error instanceof Silence)) throw error;
    if (!isSilent) say(error.message); // once: it is read out
    isSilent = true;
    return false;
  }
}

/** Send forms marked `data-live` without leaving the page, and take the parts that this page shares with the answer. */
export function sendLive(ids) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!("live" in form.dataset)) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    document.activeElement.matches("input") && document.activeElement.blur();
    await attempt(async () => {
      const { ok, page } = await fetchPage(form.action, { method: "POST", body });
      say(ok ? "" : refusalOf(page));
      if (ok) take(page, ids);
    });
  });
}

/** Do something again and again, while the page is seen; where the service does not answer, the next turn asks again. */
export async function repeat(seconds, action) {
  for (;;) {
    await pause(seconds);
    if (!document.hidden) await attempt(action).catch(reportError); // the next turn may do better
  }
}

/** Do something until the service has answered. */
export async function insist(seconds, action) {
  while (!(await attempt(action))) await pause(seconds);
}

function pause(seconds) {
  return new Promise((done) => setTimeout(done, seconds * 1000));
}
