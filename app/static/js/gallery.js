/** The gallery: select, star, compare, delete and restore pictures, and show one of them beside the list. */

import "./alive.js";
import { ask, Refusal, send } from "./api.js";
import { compare } from "./compare.js";
import { copy } from "./copy.js";
import { addAsOneScrolls } from "./more.js";
import { fetchPage, refusalOf } from "./page.js";
import { takeFiles, verify } from "./recall.js";
import { linkOf, Selection } from "./selection.js";
import { tell } from "./toast.js";

const form = document.getElementById("pictures");
const list = document.getElementById("tiles");
const pages = document.getElementById("pages");
const viewer = document.getElementById("picture");
const isTrash = form.dataset.trash === "true";
const selection = new Selection(list, showSelected);

/** Do something, and say what the service refused. */
async function tellRefusal(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message);
  }
}

function reveal(root) {
  for (const one of root.querySelectorAll("[data-act][hidden]")) one.hidden = false;
}

function showSelected() {
  const count = selection.selected.length;
  document.getElementById("selected").textContent = count ? `${count} selected` : "None selected";
  form.classList.toggle("is-selecting", count > 0);
  form.querySelector(".toolbar").hidden = list.childElementCount === 0;
  document.getElementById("empty").hidden = list.childElementCount > 0 || pages.querySelector("[rel=next]") !== null;
  document.getElementById("keys").hidden = list.childElementCount === 0;
  for (const one of form.querySelectorAll("[data-least]")) {
    one.disabled = count < Number(one.dataset.least) || count > Number(one.dataset.most ?? Infinity);
  }
}

function inWords(count) {
  return count === 1 ? "1 picture" : `${count.toLocaleString("en")} pictures`;
}

/** Let the heading tell so many pictures more; where there are too many to be counted, it tells that. */
function addToTotal(change) {
  const total = document.getElementById("total");
  if (!total.dataset.count) return;
  total.dataset.count = Number(total.dataset.count) + change;
  total.textContent = inWords(Number(total.dataset.count));
}

// Stars

function starsOf(id) {
  return document.querySelectorAll(`[data-id="${id}"] .star`);
}

async function star(id, on) {
  await ask("PATCH", `/pictures/${id}`, { starred: on });
  for (const one of starsOf(id)) one.setAttribute("aria-pressed", String(on));
}

function isStarred(id) {
  return starsOf(id)[0]?.getAttribute("aria-pressed") === "true";
}

async function starSelected() {
  const on = selection.selected.some((tile) => !isStarred(tile.dataset.id));
  await Promise.all(selection.selected.map((tile) => star(tile.dataset.id, on)));
}

// Deleting, restoring, and undoing either

const remove = (id) => ask("DELETE", `/pictures/${id}`);
const restore = (id) => ask("POST", `/pictures/${id}/restore`);
const removeForGood = (id) => ask("DELETE", `/pictures/${id}?for_good=true`);

/** Take tiles out of the list, by one request for each; to undo, by the other, puts them back where they were. */
async function takeOut(tiles, act, done, undo) {
  const places = tiles.map((tile) => [tile, tile.nextElementSibling]);
  const next = selection.tiles.find((tile) => !tiles.includes(tile) && tile.compareDocumentPosition(tiles[0]) & 2);
  await Promise.all(tiles.map((tile) => act(tile.dataset.id)));
  const hadFocus = tiles.includes(selection.current);
  for (const tile of tiles) tile.remove();
  addToTotal(-tiles.length);
  if (tiles.some((tile) => tile.dataset.id === viewer.firstElementChild?.dataset.id)) close();
  selection.adopt();
  if (hadFocus) linkOf(next ?? list.firstElementChild ?? document)?.focus();
  const putBack = async () => {
    await Promise.all(tiles.map((tile) => undo(tile.dataset.id)));
    for (const [tile, after] of places.reverse()) list.insertBefore(tile, after?.isConnected ? after : null);
    addToTotal(tiles.length);
    selection.adopt();
    linkOf(tiles[0]).focus();
    tell(`${inWords(tiles.length)} back.`);
  };
  tell(`${inWords(tiles.length)} ${done}.`, undo && (() => tellRefusal(putBack)));
}

const deleteTiles = (tiles) => takeOut(tiles, remove, "deleted", restore);
const restoreTiles = (tiles) => takeOut(tiles, restore, "restored", remove);

async function removeTiles(tiles) {
  if (agrees(tiles.length)) await takeOut(tiles, removeForGood, "removed for good");
}

/** Ask before what cannot be undone. */
function agrees(count) {
  return confirm(`Remove ${inWords(count)} for good? This cannot be undone.`);
}

/** Return the tile of a picture; null where only the picture in full shows it. */
function tileOf(id) {
  return list.querySelector(`[data-id="${id}"]`);
}

async function takeOutShown(id) {
  const tile = tileOf(id);
  if (tile) return isTrash ? restoreTiles([tile]) : deleteTiles([tile]);
  await (isTrash ? restore(id) : remove(id));
  close();
  return tell(isTrash ? "1 picture restored." : "1 picture deleted.", () => tellRefusal(() => (isTrash ? remove(id) : restore(id))));
}

async function removeShown(id) {
  const tile = tileOf(id);
  if (tile) return removeTiles([tile]);
  if (!agrees(1)) return;
  await removeForGood(id);
  close();
  tell("1 picture removed for good.");
}

// The picture in full

async function show(address, { remember = true } = {}) {
  const { page } = await fetchPage(address);
  const shown = page.getElementById("picture");
  if (!shown) throw new Refusal(refusalOf(page));
  viewer.replaceChildren(...shown.childNodes);
  viewer.hidden = viewer.childElementCount === 0;
  reveal(viewer);
  const id = viewer.firstElementChild?.dataset.id;
  for (const tile of selection.tiles) {
    tile.classList.toggle("is-shown", tile.dataset.id === id);
    if (tile.dataset.id === id) linkOf(tile).setAttribute("aria-current", "true");
    else linkOf(tile).removeAttribute("aria-current");
  }
  if (remember) history.pushState(null, "", address);
}

function close() {
  const link = viewer.querySelector("[data-act=close]");
  const id = viewer.firstElementChild?.dataset.id;
  if (link) history.pushState(null, "", link.href);
  viewer.replaceChildren();
  viewer.hidden = true;
  const tile = tileOf(id);
  tile?.classList.remove("is-shown");
  linkOf(tile ?? document.createElement("li"))?.removeAttribute("aria-current");
  return tile;
}

async function describe(words) {
  const { id } = viewer.firstElementChild.dataset;
  const data = new FormData(words);
  const tags = data.get("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
  await ask("PATCH", `/pictures/${id}`, { tags, note: data.get("note") });
  await show(location.href, { remember: false });
  viewer.querySelector("#edit-tags").focus();
  tell("Saved.");
  await fillTags();
}

async function verifyShown() {
  const { image } = viewer.firstElementChild.dataset;
  const png = await (await send("GET", image)).blob();
  await verify(png, viewer.querySelector(".verdict"));
}

// Downloading more than a link can name

async function downloadMany(ids) {
  const zip = await (await send("POST", "/pictures/download", { ids })).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(zip);
  link.download = "ganery-pictures.zip";
  link.click();
  URL.revokeObjectURL(link.href);
}

// What is pressed

const acts = {
  star: (button) => {
    const { id } = button.closest("[data-id]").dataset;
    return star(id, button.getAttribute("aria-pressed") !== "true");
  },
  all: () => selection.all(),
  compare: () => compare(...selection.selected),
  "star-selected": starSelected,
  "delete-selected": () => deleteTiles(selection.selected),
  "restore-selected": () => restoreTiles(selection.selected),
  "remove-selected": () => removeTiles(selection.selected),
  delete: (button) => takeOutShown(button.closest("[data-id]").dataset.id),
  restore: (button) => takeOutShown(button.closest("[data-id]").dataset.id),
  remove: (button) => removeShown(button.closest("[data-id]").dataset.id),
  verify: verifyShown,
  copy: async (button) => {
    await copy(new URL(button.dataset.text, location.href).href);
    tell("The link is copied.");
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button?.dataset.act === "close") {
    event.preventDefault();
    linkOf(close() ?? form)?.focus();
    return;
  }
  if (button && acts[button.dataset.act]) {
    event.preventDefault(); // without script a form does it
    tellRefusal(async () => acts[button.dataset.act](button));
    return;
  }
  const link = event.target.closest("#tiles a");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  tellRefusal(async () => {
    await show(link.href);
    const { top } = viewer.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) viewer.scrollIntoView();
    viewer.focus({ preventScroll: true });
  });
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-act=describe]")) {
    event.preventDefault();
    tellRefusal(() => describe(event.target));
  }
  const ids = event.target === form ? selection.selected.map((tile) => tile.dataset.id) : [];
  if (ids.length > Number(form.dataset.most)) {
    event.preventDefault();
    tellRefusal(() => downloadMany(ids));
  }
});

window.addEventListener("popstate", () => {
  tellRefusal(() => show(location.href, { remember: false }));
});

// The keyboard: keys count where a tile has the focus

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const keys = {
  " ": (tile) => selection.toggle(tile),
  s: (tile) => !isTrash && tellRefusal(() => star(tile.dataset.id, !isStarred(tile.dataset.id))),
  c: () => selection.selected.length === 2 && compare(...selection.selected),
  Delete: (tile) => {
    const tiles = selection.selected.length ? selection.selected : [tile];
    if (!isTrash) tellRefusal(() => deleteTiles(tiles));
  },
  Escape: () => selection.none(),
};

list.addEventListener("keydown", (event) => {
  const tile = event.target.closest("a") && event.target.closest("li");
  if (!tile || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "a") {
      event.preventDefault();
      selection.all();
    }
    return;
  }
  const step = steps[event.key];
  if (step) {
    event.preventDefault();
    if (event.shiftKey) selection.extend(tile);
    const target = selection.move(tile, ...step);
    if (event.shiftKey && target) selection.extend(target);
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key](tile);
  }
});

// Known tags, to choose from

async function fillTags() {
  const { items } = await ask("GET", "/pictures/tags");
  document.getElementById("known-tags").replaceChildren(...items.map(({ tag }) => new Option(tag, tag)));
}

// What was kept from a file

/** Put the tile of a picture that was kept into the list where the page shows it, if it does. */
async function insert(id) {
  const address = new URL(location.href);
  if (isTrash || tileOf(id) || address.searchParams.has("cursor")) return;
  address.searchParams.delete("picture");
  const tile = (await fetchPage(address)).page.querySelector(`#tiles > [data-id="${CSS.escape(id)}"]`);
  if (!tile) return; // it is not what is searched for, or comes on a later part
  list.insertBefore(tile, tileOf(tile.nextElementSibling?.dataset.id));
  reveal(tile);
  addToTotal(1);
  selection.adopt();
}

function takeAway(id) {
  const tile = tileOf(id);
  if (!tile) return;
  tile.remove();
  addToTotal(-1);
  if (viewer.firstElementChild?.dataset.id === id) close();
  selection.adopt();
}

reveal(document);
selection.adopt();
addAsOneScrolls(list, pages, () => {
  reveal(list);
  selection.adopt();
});
takeFiles({ kept: insert, undone: takeAway });
document.getElementById("tag")?.addEventListener("focus", () => tellRefusal(fillTags), { once: true });
