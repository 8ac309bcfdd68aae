/** The page of the latent tools: each widget finds its own place, and again in a new result. */
import { makeLive } from "./live-form.js";
import { mountPad } from "./pad.js";
import { mountPlayer } from "./player.js";
import { mountAround } from "./around.js";
import { mountDirections } from "./directions.js";

function mountResult(result) {
  for (const player of result.querySelectorAll(".player")) mountPlayer(player.closest("figure"));
  for (const figure of result.querySelectorAll("[data-around]")) mountAround(figure);
}

const form = document.getElementById("form");
const result = document.getElementById("result");
const update = makeLive(form, result, mountResult);
mountResult(result);
const pad = document.getElementById("pad");
if (pad) mountPad(pad, form, update);
const directions = document.getElementById("directions");
if (directions) mountDirections(directions);
