/** What choosing by the discriminator is worth, shown in place when it is asked for. */

import { html, render } from "../vendor/preact.js";
import { ask, Refusal } from "./api.js";

const percent = (share) => (share === null ? "–" : `${Math.round(100 * share)} %`);
const MANNERS = { top: "best", drs: "rejection" };

const Row = ({ row }) => html`<tr>
  <th scope="row">${row.nice_method ? `${MANNERS[row.nice_method]} of ${row.nice_factor}` : "as they come"}</th>
  <td class="number">${percent(row.recognised)}</td>
  <td class="number">${percent(row.diversity)}</td>
</tr>`;

const Report = ({ report }) => html`<p>${report.sentence}</p>
  <table>
    <thead><tr><th scope="col">chosen</th><th scope="col" class="number">recognised</th><th scope="col" class="number">diversity</th></tr></thead>
    <tbody>${report.rows.map((row) => html`<${Row} row=${row} />`)}</tbody>
  </table>`;

/** Fetch the report into an opened `<details data-report>`, once. */
export async function showReport(details) {
  const place = details.querySelector("[aria-live]");
  if (!details.open || place.dataset.state) return;
  place.dataset.state = "asked";
  place.replaceChildren();
  render(html`<p class="hint">Judging some thousand pictures…</p>`, place);
  try {
    render(html`<${Report} report=${await ask("GET", details.dataset.report)} />`, place);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    render(html`<p class="refusal">${error.message}</p>`, place);
  }
}
