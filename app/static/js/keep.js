/** Buttons that keep a picture or a grid in the gallery: `data-keep` has its recipe as JSON. */

import { ask, Refusal, send } from "./api.js";
import { tell } from "./toast.js";

async function keep(button) {
  button.disabled = true;
  try {
    const kept = await ask("POST", "/pictures", { recipe: JSON.parse(button.dataset.keep) });
    tell("Kept in the gallery.", async () => {
      await send("DELETE", `/pictures/${kept.id}`);
      tell("Taken out of the gallery again.");
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message);
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-keep]");
  if (button) keep(button);
});
