/**
 * A form whose result follows it: the page is asked for anew, its result put in the place of the old one, and its URL
 * into the address bar. What the server says is shown as it is, so there is one place that knows what a form means.
 */

const PAUSE_MS = 250;

/** Return a function that updates the result now. changed(result): called with each new one. */
export function makeLive(form, result, changed) {
  const status = document.getElementById("status");
  let timer = 0;
  let asking = null;

  async function update() {
    clearTimeout(timer);
    asking?.abort();
    asking = new AbortController();
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    const url = `${form.getAttribute("action")}?${new URLSearchParams(filled)}`;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { signal: asking.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(result.id);
      if (!fresh) throw new Error(`the service answered ${answer.status}`);
      result.replaceChildren(...fresh.childNodes);
      history.replaceState(null, "", url);
      changed(result);
      status.textContent = result.querySelector("[role=alert]") ? "" : "Shown.";
    } catch (error) {
      if (error.name === "AbortError") return;
      const told = document.createElement("p");
      told.className = "refusal";
      told.setAttribute("role", "alert");
      told.textContent = `No answer: ${error.message}`;
      result.replaceChildren(told);
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
