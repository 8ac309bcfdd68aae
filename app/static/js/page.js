/**
 * Parts of a page that are fetched anew: the server renders them, and this puts them in the place of the old ones.
 * So there is one template for each, whether a browser runs scripts or not.
 */

import { reach } from "./api.js";

/** Fetch a page of ours. Returns it parsed, and whether the server did what was asked. Throws what `reach` does. */
export async function fetchPage(url, options = {}) {
  const response = await reach(url, { headers: { Accept: "text/html" }, ...options });
  return { ok: response.ok, page: new DOMParser().parseFromString(await response.text(), "text/html") };
}

/** Return in words what a page says that is wrong. */
export function refusalOf(page) {
  return page.querySelector(".refusal")?.textContent.trim() ?? "That did not work: load the page again.";
}

/** Put the elements of these ids in the place of those of this page. What somebody types in stays as it is, or is all
 *  in the new part too: `isWhole`. */
export function take(fresh, ids, isWhole = false) {
  for (const id of ids) {
    const old = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (!old || !next || old.innerHTML === next.innerHTML || (isTypedIn(old) && !isWhole)) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceChildren(...next.childNodes);
    if (focused) (document.getElementById(focused) ?? successor(old, focused))?.focus();
  }
}

function isTypedIn(region) {
  const one = document.activeElement;
  return region.contains(one) && one.matches("input:not([type=checkbox]), textarea");
}

/** What takes the focus of a button that is gone: another one of the same job. */
function successor(region, id) {
  const job = id.slice(id.indexOf("-"));
  return region.querySelector(`button[id$="${CSS.escape(job)}"]`);
}

/** Say something to everybody: it is shown, and read out. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Send forms marked `data-live` without leaving the page, and take the parts that this page shares with the answer. */
export function sendLive(ids) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!("live" in form.dataset)) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    document.activeElement.matches("input") && document.activeElement.blur();
    const { ok, page } = await fetchPage(form.action, { method: "POST", body });
    say(ok ? "" : refusalOf(page));
    if (ok) take(page, ids);
  });
}

/** Do something again and again, while the page is seen. */
export function repeat(seconds, action) {
  const step = async () => {
    try {
      if (!document.hidden) await action();
    } catch {
      // the server is away for a while: the next turn asks again
    }
    setTimeout(step, seconds * 1000);
  };
  setTimeout(step, seconds * 1000);
}
