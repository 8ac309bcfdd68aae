/** Keeping in the gallery. Buttons do it: `data-keep` has the recipe of a picture or a grid as JSON. */

import { Refusal, send } from "./api.js";
import { tell } from "./toast.js";

/**
 * Keep a picture, say so, and let that be undone. Throws Refusal.
 * @param {object} recipe
 * @param {(id: string) => void} [undone] called when it was taken out again
 * @returns {Promise<string>} its id
 */
export async function keep(recipe, undone = () => {}) {
  const answer = await send("POST", "/pictures", { recipe });
  const { id } = await answer.json();
  if (answer.status === 201) tell("Kept in the gallery.", () => takeOut(id, undone));
  else tell("It is in the gallery: it was kept before."); // no undo, which might take out what somebody described
  return id;
}

async function takeOut(id, undone) {
  try {
    await send("DELETE", `/pictures/${id}`);
    undone(id);
    tell("Taken out of the gallery again.");
  } catch (error) {
    refuse(error);
  }
}

function refuse(error) {
  if (!(error instanceof Refusal)) throw error;
  tell(error.message);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-keep]");
  if (!button) return;
  event.preventDefault(); // without script its form keeps the picture
  button.disabled = true;
  await keep(JSON.parse(button.dataset.keep)).catch(refuse);
  button.disabled = false;
});
