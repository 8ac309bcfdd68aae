/** Buttons that keep a picture or a grid in the gallery: `data-keep` has its recipe as JSON. */

import { Refusal, send } from "./api.js";
import { tell } from "./toast.js";

async function keep(button) {
  button.disabled = true;
  try {
    const answer = await send("POST", "/pictures", { recipe: JSON.parse(button.dataset.keep) });
    const { id } = await answer.json();
    if (answer.status === 201) tell("Kept in the gallery.", () => takeOut(id));
    else tell("It is in the gallery: it was kept before."); // no undo, which might take out what somebody described
  } catch (error) {
    refuse(error);
  } finally {
    button.disabled = false;
  }
}

async function takeOut(id) {
  try {
    await send("DELETE", `/pictures/${id}`);
    tell("Taken out of the gallery again.");
  } catch (error) {
    refuse(error);
  }
}

function refuse(error) {
  if (!(error instanceof Refusal)) throw error;
  tell(error.message);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-keep]");
  if (button) keep(button);
});
