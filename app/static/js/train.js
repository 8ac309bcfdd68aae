/** The form of a training: another family brings its own fields, and what is wrong is said while one types. */

import "./jobs.js";
import { Silence } from "./api.js";
import { fetchPage, take } from "./page.js";

const SETS_FIELDS = new Set(["family", "preset", "dataset"]);
const AGAIN_SECONDS = 2;
const form = document.getElementById("form");
let waiting = 0;
let asked = 0;
let isAnew = false;

form.addEventListener("change", (event) => {
  if (SETS_FIELDS.has(event.target.name)) refresh(true);
});
form.addEventListener("input", (event) => {
  if (SETS_FIELDS.has(event.target.name)) return;
  asked += 1; // an answer that is on its way does not know this
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh(false), 400);
});
form.addEventListener("submit", () => clearTimeout(waiting));

/** Ask the server for the form as it stands. anew: take all its fields; else only what is wrong with them, and the plan. */
async function refresh(anew) {
  clearTimeout(waiting);
  isAnew ||= anew;
  const turn = (asked += 1);
  const values = new URLSearchParams(new FormData(form));
  values.delete("nonce");
  const told = await fetchPage(`/train?${values}`).catch((error) => error);
  if (turn !== asked) return; // something was typed meanwhile
  if (told instanceof Silence) return lag();
  if (told instanceof Error) throw told;
  const { page } = told;
  if (!page.getElementById("form")) return lag(); // it answers with an error
  if (isAnew) {
    take(page, ["form"], true);
    isAnew = false;
  } else {
    for (const field of form.elements) mark(field, page);
    document.getElementById("stale").hidden = true;
  }
  take(page, ["plan"]);
  history.replaceState(null, "", address());
}

/** Say what of the form is not up to date, as the service does not answer, and ask again. */
function lag() {
  const [family, preset] = form.elements.shown.value.split("/");
  const stale = document.getElementById("stale");
  const left = isAnew ? `all below is still that of ${family}, preset ${preset}` : "what you typed last was not looked at yet";
  stale.textContent = `The service does not answer: ${left}.`;
  stale.hidden = false;
  waiting = setTimeout(() => refresh(isAnew), 1000 * AGAIN_SECONDS);
}

function mark(field, page) {
  const next = field.id && page.getElementById(field.id);
  if (!next) return;
  take(page, [`${field.id}-errors`]);
  field.toggleAttribute("aria-invalid", next.hasAttribute("aria-invalid"));
  if (next.hasAttribute("aria-invalid")) field.setAttribute("aria-invalid", "true");
  if (field.placeholder !== undefined) field.placeholder = next.placeholder;
  field.closest(".field")?.classList.toggle("changed", next.closest(".field").classList.contains("changed"));
}

/** The URL that shows the form as it stands: of all fields, those that differ from the preset. */
function address() {
  const values = new URLSearchParams();
  for (const field of form.elements) {
    if (SETS_FIELDS.has(field.name) || (field.name && field.closest(".changed"))) values.set(field.name, field.value);
  }
  return `/train?${values}`;
}
