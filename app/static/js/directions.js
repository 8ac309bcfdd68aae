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
      const units = new Map(told.items.map((item) => [item.name, item.unit]));
      body.replaceChildren(...told.items.map((item) => row(item, units)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      button.disabled = false;
      button.textContent = `Again: ${error.message}`;
    }
  });
}

/** units: in which each of the attributes is told, by their names. */
function row(item, units) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  const description = document.createElement("small");
  description.textContent = item.description;
  name.append(item.name, description);
  const share = document.createElement("td");
  const meter = document.createElement("meter");
  Object.assign(meter, { min: 0, max: 1, value: Math.max(0, item.r_squared) });
  meter.setAttribute("aria-label", `R² of ${item.name}`);
  share.append(meter, ` ${item.r_squared.toFixed(2)}`);
  const changes = document.createElement("td");
  changes.textContent = Object.entries(item.per_step)
    .map(([attribute, change]) => `${attribute} ${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(2)} ${units.get(attribute)}`)
    .join(", ");
  line.append(name, share, changes);
  return line;
}
