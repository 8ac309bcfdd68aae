/** Two pictures side by side, or one over the other with an edge that moves between them. */

const dialog = document.getElementById("compare");
const stage = dialog.querySelector(".stage");
const slide = dialog.querySelector(".slide");
const edge = document.getElementById("edge");

/** Show two tiles of the list. */
export function compare(first, second) {
  stage.replaceChildren(figure(first), figure(second));
  dialog.showModal();
}

function figure(tile) {
  const { image, name, width, height } = tile.dataset;
  const picture = new Image(Number(width), Number(height));
  Object.assign(picture, { src: image, alt: name, className: "picture" });
  const caption = document.createElement("figcaption");
  caption.textContent = name;
  const made = document.createElement("figure");
  made.append(picture, caption);
  return made;
}

function arrange(mode) {
  stage.className = `stage ${mode}`;
  slide.hidden = mode !== "over";
  for (const button of dialog.querySelectorAll("[data-mode]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  }
}

dialog.addEventListener("click", (event) => {
  const mode = event.target.closest("[data-mode]")?.dataset.mode;
  if (mode) arrange(mode);
  if (event.target.closest("[data-act=close-compare]")) dialog.close();
});
edge.addEventListener("input", () => stage.style.setProperty("--edge-at", `${edge.value}%`));
stage.addEventListener("pointermove", (event) => {
  if (!stage.classList.contains("over")) return;
  const box = stage.getBoundingClientRect();
  edge.value = String(Math.round(((event.clientX - box.left) / box.width) * 100));
  edge.dispatchEvent(new Event("input"));
});
