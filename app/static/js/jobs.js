/** Lists of jobs: they follow what happens, and their buttons do not leave the page. */

import "./alive.js";
import { fetchPage, repeat, sendLive, take } from "./page.js";

const queue = document.getElementById("queue");

/** The parts that follow; of the list that can be marked its rows alone, so that its box stays where it was scrolled to. */
function partsOf(page) {
  const hasRows = [document, page].every((one) => one.getElementById("rows"));
  return ["queue", hasRows ? "rows" : "all"];
}

/** Say how many jobs are marked, and let as many be compared as can be. */
function countMarked() {
  const button = document.getElementById("compare");
  if (!button) return;
  const { least, most } = button.dataset;
  const count = document.querySelectorAll("#rows :checked").length;
  button.disabled = count < Number(least) || count > Number(most);
  const told = count ? `${count} marked` : "None is marked yet";
  const text = count && button.disabled ? `${told}, and from ${least} to ${most} can be compared.` : `${told}.`;
  const place = document.getElementById("marked");
  if (place.textContent !== text) place.textContent = text;
}

sendLive(["queue"]);
repeat(2, async () => {
  const { ok, page } = await fetchPage(queue.dataset.follow);
  if (!ok) return;
  take(page, partsOf(page));
  countMarked();
});
document.addEventListener("change", countMarked);
window.addEventListener("pageshow", countMarked); // a browser that comes back to the page checks what was checked
