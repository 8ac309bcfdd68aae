/** The page of the latent tools: each widget finds its own place, and again in a new result. */
import { Refusal, send } from "./api.js";
import { showRefusal } from "./page.js";
import { mountLatent } from "./latent-field.js";
import { makeLive } from "./live-form.js";
import { mountPad } from "./pad.js";
import { mountPlayer } from "./player.js";
import { mountAround } from "./around.js";
import { mountDirections } from "./directions.js";

/** Where the service refuses the picture itself, which an image does not tell, say what it says. */
function tellRefusal(result, image) {
  const ask = async () => {
    const answer = await send("GET", image.getAttribute("src")).catch((error) => error);
    if (answer instanceof Refusal && image.isConnected) showRefusal(result, answer.message);
  };
  if (image.complete && !image.naturalWidth) ask();
  else image.addEventListener("error", ask, { once: true });
}

function mountResult(result) {
  for (const image of result.querySelectorAll("img.strip")) tellRefusal(result, image);
  for (const player of result.querySelectorAll(".player")) mountPlayer(player.closest("figure"));
  for (const figure of result.querySelectorAll("[data-around]")) mountAround(figure);
}

const form = document.getElementById("form");
const result = document.getElementById("result");
const update = makeLive(form, result, mountResult);
mountResult(result);
for (const fieldset of form.querySelectorAll(".latent:not(.found)")) mountLatent(fieldset);
const pad = document.getElementById("pad");
if (pad) mountPad(pad, form, update);
const directions = document.getElementById("directions");
if (directions) mountDirections(directions);
