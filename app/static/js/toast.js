/** A line at the foot of the page that says what was done, and undoes it. It stays until the next, or until it is closed. */

const place = document.getElementById("toast");

/**
 * @param {string} text
 * @param {() => Promise<void>} [undo]
 */
export function tell(text, undo) {
  const line = document.createElement("span");
  line.textContent = text;
  const buttons = undo ? [button("Undo", async () => { hide(); await undo(); })] : [];
  place.replaceChildren(line, ...buttons, button("Close", hide));
  place.hidden = false;
}

function hide() {
  place.hidden = true;
  place.replaceChildren();
}

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = name;
  made.addEventListener("click", act);
  return made;
}
