/**
 * A form whose result follows it: the page is asked for anew, its result put in the place of the old one, and its URL
 * into the address bar. What the server says is shown as it is, so there is one place that knows what a form means.
 */

import { isEnded, onlyLast, Refusal } from "./api.js";
import { fetchPage, refusalOf, showRefusal } from "./page.js";

const PAUSE_MS = 250;

/** Return a function that updates the result now. changed(result): called with each new one. */
export function makeLive(form, result, changed) {
  const status = document.getElementById("status");
  let timer = 0;
  const nextSignal = onlyLast();

  async function update() {
    clearTimeout(timer);
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    const url = `${form.getAttribute("action")}?${new URLSearchParams(filled)}`;
    result.setAttribute("aria-busy", "true");
    try {
      const { page } = await fetchPage(url, { signal: nextSignal() });
      const fresh = page.getElementById(result.id);
      if (!fresh) throw new Refusal(refusalOf(page));
      result.replaceChildren(...fresh.childNodes);
      history.replaceState(null, "", url);
      changed(result);
      status.textContent = result.querySelector("[role=alert]") ? "" : "Shown.";
    } catch (error) {
      if (isEnded(error)) return;
      showRefusal(result, error.message);
    }
    result.removeAttribute("aria-busy");
  }

  form.addEventListener("input", (event) => {
    if ("reload" in event.target.dataset) return form.submit();
    const choices = event.target.closest("[data-one-of]");
    if (choices && event.target.value !== "") {
      for (const other of choices.querySelectorAll("input, select")) if (other !== event.target) other.value = "";
    }
    clearTimeout(timer);
    timer = setTimeout(() => form.checkValidity() && update(), PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    update();
  });
  return update;
}
