/** What a PNG tells of itself: dropped anywhere on the page, or chosen as a file. And whether it is true. */

import { ask, Refusal } from "./api.js";
import { keep } from "./keep.js";
import { onDrop } from "./drop.js";

const LONGEST_SEED = 24; // of the address of a latent the beginning is enough

const zone = document.getElementById("drop");
const told = document.getElementById("told");
const file = document.getElementById("file");

/** Show what came of POST /verify in a place. */
export async function verify(png, place) {
  place.replaceChildren(element("p", "Drawing it again …"));
  try {
    const found = await ask("POST", "/verify", png);
    const verdict = element("p", "");
    verdict.append(element("strong", found.verdict, found.verdict));
    place.replaceChildren(verdict, ...found.reasons.map((reason) => element("p", reason)));
  } catch (error) {
    place.replaceChildren(refusal(error));
  }
}

/**
 * Let files be dropped and chosen.
 * @param {{ kept: (id: string) => Promise<void>, undone: (id: string) => void }} gallery called when one was kept, and
 *   when that was undone
 */
export function takeFiles(gallery) {
  file.addEventListener("change", () => file.files[0] && show(file.files[0], gallery));
  onDrop((dropped) => show(dropped, gallery));
}

async function show(png, gallery) {
  try {
    const recipe = await ask("POST", "/recall", png);
    told.replaceChildren(preview(png), facts(recipe), ...actions(png, recipe, gallery));
  } catch (error) {
    told.replaceChildren(refusal(error));
  }
  zone.scrollIntoView({ block: "nearest" });
}

function preview(png) {
  const frame = element("div", "", "frame");
  const picture = new Image(160, 160);
  Object.assign(picture, { src: URL.createObjectURL(png), alt: "The picture in the file", className: "picture" });
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  frame.append(picture);
  return frame;
}

function facts({ recipe, checkpoint, available, parameters }) {
  const list = element("dl", "", "facts");
  const rows = {
    family: recipe.family,
    "data set": recipe.dataset,
    ...seeds(parameters),
    checkpoint: available ? checkpoint : `${checkpoint}, which is not here`,
    version: recipe.version,
  };
  for (const [name, value] of Object.entries(rows)) {
    if (value != null) list.append(element("dt", name), element("dd", String(value)));
  }
  return list;
}

/** The seeds of a recipe: a walk has two, arithmetic three. */
function seeds(parameters) {
  const named = Object.entries(parameters).filter(([name]) => name.endsWith("seed"));
  return Object.fromEntries(named.map(([name, seed]) => [name.replace("_", " "), shorten(seed)]));
}

function shorten(seed) {
  return seed.length > LONGEST_SEED ? `${seed.slice(0, LONGEST_SEED)}…` : seed;
}

function actions(png, { path, page, available, kept: id, parameters }, gallery) {
  const isGrid = path === "/generate"; // what a latent tool drew is not kept, but has an address
  const verdict = element("div", "", "verdict");
  const row = element("div", "", "actions");
  const link = element("a", isGrid ? "Use its parameters" : "Open it in Explore", "button primary");
  link.href = page;
  row.append(link, button("Verify", () => verify(png, verdict)));
  if (id) {
    const shown = element("a", "It is kept", "button");
    shown.href = `/gallery?picture=${id}#picture`;
    row.append(shown);
  } else if (available && isGrid) {
    const keeper = button("Keep", async () => {
      const mark = (isKept) => Object.assign(keeper, { disabled: isKept, textContent: isKept ? "Kept" : "Keep" });
      try {
        await gallery.kept(await keep(parameters, (taken) => { mark(false); gallery.undone(taken); }));
        mark(true);
      } catch (error) {
        verdict.replaceChildren(refusal(error));
      }
    });
    row.append(keeper);
  }
  return [row, verdict];
}

function button(name, act) {
  const made = element("button", name);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function refusal(error) {
  if (!(error instanceof Refusal)) throw error;
  const box = element("div", "", "refusal");
  box.append(element("p", error.message));
  return box;
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}
