/**
 * Makes the page Generate live: what a form or a link would load as a new page comes into this one.
 *
 * The server renders every state; this module asks for it, puts the parts in their places, and keeps the address.
 */

import "./alive.js";
import "./copy.js";
import "./keep.js";
import { ask, isEnded, onlyLast, Refusal } from "./api.js";
import { onDrop } from "./drop.js";
import { showReport } from "./nice-report.js";
import { fetchPage, refusalOf } from "./page.js";

const PAUSE_MILLISECONDS = 150;
const LARGEST_DRAWN_SEED = 2 ** 31;
const page = () => document.getElementById("generate");
const form = () => document.getElementById("controls");
const cells = () => [...document.querySelectorAll("#grid a")];
const nextSignal = onlyLast();
let timer = 0;
let isLocked = false;

/** Ask the server for a state and show it. push: whether it is a new entry of the history. parts: ids to replace. */
async function go(url, { push = true, parts = ["result", "details"], focus = null } = {}) {
  clearTimeout(timer);
  const signal = nextSignal();
  page().classList.add("busy");
  try {
    const { page: told } = await fetchPage(url, { signal });
    show(told, parts);
    const here = told.querySelector("link[rel=canonical]")?.getAttribute("href") ?? url;
    const isNew = push && here !== location.pathname + location.search;
    history[isNew ? "pushState" : "replaceState"](null, "", here);
    if (focus) bring(document.querySelector(focus));
  } catch (error) {
    if (!isEnded(error)) refuse(error.message);
  } finally {
    if (!signal.aborted) page().classList.remove("busy");
  }
}

function show(told, parts) {
  if (!told.getElementById("result")) return refuse(refusalOf(told));
  for (const id of parts) document.getElementById(id).replaceWith(told.getElementById(id));
  if (parts.includes("controls")) enlivenForm();
  page().classList.toggle("has-details", !document.getElementById("details").hidden);
  enliven();
}

/** Say in place of the status why there is nothing new. */
function refuse(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.className = "refusal";
}

/** Return the address that the form asks for; the picture that is looked at stays the same. */
function wanted() {
  const values = [...new FormData(form())].filter(([, value]) => value !== "");
  const index = new URLSearchParams(location.search).get("index");
  const { count } = Object.fromEntries(values);
  if (index !== null && Number(index) < Number(count)) values.push(["index", index]);
  return `/?${new URLSearchParams(values)}`;
}

const redraw = (options) => go(wanted(), { focus: placeOf(document.activeElement), ...options });

/** Where in the grid the focus is, for the grid that comes in its place. */
function placeOf(element) {
  const cell = element.closest("#grid a");
  return cell && `#grid a[data-index="${cell.dataset.index}"]`;
}

function setSeed(change) {
  const field = document.getElementById("seed");
  const seeds = {
    up: () => Math.min(Number(field.value) + 1, Number(field.max)),
    down: () => Math.max(Number(field.value) - 1, 0),
    dice: () => Math.floor(Math.random() * LARGEST_DRAWN_SEED),
  };
  field.value = seeds[change]();
}

/** Give something the focus, if it is there. */
function bring(element) {
  if (element?.matches("#grid a")) rove(element);
  element?.focus();
}

/** Let the one picture that was last met be what the tab key leads to, as in any grid. */
function rove(current) {
  for (const cell of cells()) cell.setAttribute("tabindex", cell === current ? "0" : "-1");
}

function move(key) {
  const all = cells();
  const place = all.indexOf(document.activeElement.closest("#grid a"));
  if (place < 0) return false;
  const [first] = all;
  const top = first.firstElementChild.getAttribute("y");
  const columns = all.filter((cell) => cell.firstElementChild.getAttribute("y") === top).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -place, End: all.length - 1 - place };
  const next = all[place + steps[key]];
  if (!(key in steps) || !next) return key in steps;
  rove(next);
  next.focus();
  return true;
}

/** Let a slider and its number move each other. */
function join(slider) {
  const field = document.getElementById(slider.dataset.of);
  slider.addEventListener("input", () => { field.value = slider.value; later(); });
  field.addEventListener("input", () => { if (field.value) slider.value = field.value; });
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => redraw({ push: false }), PAUSE_MILLISECONDS);
}

/** Say in words what the nearest training pictures mean. */
async function tellNeighbours() {
  const place = document.getElementById("neighbours");
  if (!place || place.dataset.state) return;
  place.dataset.state = "asked";
  const told = await ask("GET", place.dataset.source).catch((error) => error);
  if (told instanceof Refusal) { place.textContent = told.message; return; }
  if (told instanceof Error) throw told;
  const share = told.nearest / told.typical;
  const meaning = share < 0.5 ? "much nearer than a picture that nobody learnt from: look whether it is a copy" : "so no picture was copied point by point";
  const labels = told.items.map((one) => one.label).join(", ");
  place.textContent = `Classes ${labels}. In pixels the nearest is ${share.toFixed(2)} times as far as it typically is for test pictures, ${meaning}.`;
}

/** Wake a form that has come new into the page. */
function enlivenForm() {
  document.querySelectorAll("[data-of]").forEach(join);
  document.querySelector("[data-seed=lock]").setAttribute("aria-pressed", String(isLocked));
}

/** Wake what has come new into the page. */
function enliven() {
  const all = cells();
  rove(all.find((cell) => cell.hasAttribute("aria-current")) ?? all[0]);
  tellNeighbours();
}

/** Go to where a PNG was made: to a state of this page, or to the latent tool that drew it. */
async function openFile(png) {
  const told = await ask("POST", "/recall", png).catch((error) => error);
  if (told instanceof Refusal) return refuse(told.message);
  if (told instanceof Error) throw told;
  location.assign(told.page);
}

/** Return which parts a link changes, and what has the focus afterwards. */
function follow(link) {
  if (link.classList.contains("card")) return { parts: ["controls", "result", "details"], focus: "#picker summary" };
  if (link.dataset.step) return { focus: `[data-step=${link.dataset.step}]` };
  const index = new URLSearchParams(location.search).get("index");
  if ("close" in link.dataset) return { focus: `#grid a[data-index="${index}"]` };
  return { focus: "#details-title" };
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const seed = event.target.closest("[data-seed]");
  const link = event.target.closest("a[data-live]");
  if (seed?.dataset.seed === "lock") {
    isLocked = !isLocked;
    seed.setAttribute("aria-pressed", String(isLocked));
  } else if (seed) {
    event.preventDefault();
    setSeed(seed.dataset.seed);
    redraw();
  } else if (link) {
    event.preventDefault();
    go(link.getAttribute("href"), follow(link));
  }
});

document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  const isFromField = document.activeElement.matches("#controls :is(input, select)"); // by the enter key
  if (!isLocked && !isFromField) setSeed("dice");
  redraw();
});

document.addEventListener("change", ({ target }) => {
  if (target.form === form() && target.className !== "slider" && form().reportValidity()) redraw();
});

document.addEventListener("input", ({ target }) => {
  if (!target.dataset.variations) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    document.querySelector(".variations").src = `${target.dataset.variations}&spread=${target.value}`;
  }, PAUSE_MILLISECONDS);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (move(event.key)) event.preventDefault();
  else if (event.key === "Escape") document.querySelector("[data-close]")?.click();
  else if (event.target.closest("#grid") && event.key.toLowerCase() === "r") document.querySelector("[data-seed=dice]").click();
});

document.addEventListener("toggle", ({ target }) => { if (target.dataset?.report) showReport(target); }, true);
window.addEventListener("popstate", () => go(location.href, { push: false, parts: ["controls", "result", "details"] }));

const here = document.querySelector("link[rel=canonical]").getAttribute("href");
if (page() && here !== location.pathname + location.search) history.replaceState(null, "", here);
if (page()) {
  onDrop(openFile);
  enlivenForm();
  enliven();
}
