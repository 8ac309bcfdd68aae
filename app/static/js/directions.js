/** The table of directions: measured when somebody wants it, since that takes some seconds. */

import { ask, Refusal } from "./api.js";

export function mountDirections(table) {
  const body = table.tBodies[0];
  const button = body.querySelector("button");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Measuring…";
    try {
      const told = await ask("GET", `/latent/directions?checkpoint=${encodeURIComponent(table.dataset.checkpoint)}`);
      body.replaceChildren(...told.items.map(row));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      button.disabled = false;
      button.textContent = `Again: ${error.message}`;
    }
  });
}

function row(item) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = item.name;
  name.title = item.description;
  const share = document.createElement("td");
  const meter = document.createElement("meter");
  Object.assign(meter, { min: 0, max: 1, value: Math.max(0, item.r_squared) });
  meter.setAttribute("aria-label", `R² of ${item.name}`);
  share.append(meter, ` ${item.r_squared.toFixed(2)}`);
  const changes = document.createElement("td");
  changes.textContent = Object.entries(item.per_step)
    .map(([attribute, change]) => `${attribute} ${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(2)}`)
    .join(", ");
  line.append(name, share, changes);
  return line;
}
