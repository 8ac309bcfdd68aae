/** A strip of pictures shown one column at a time: by a slider, and where there is a button, as a film. */

const FRAMES_PER_SECOND = 12;

export function mountPlayer(figure) {
  const image = figure.querySelector("img.strip");
  const canvas = figure.querySelector("canvas");
  const slider = figure.querySelector("input[type=range]");
  const output = figure.querySelector("output");
  const button = figure.querySelector(".play");
  const context = canvas.getContext("2d");
  const heads = figure.dataset.heads ? figure.dataset.heads.split("|") : [];
  const side = Number(figure.dataset.side);

  function show() {
    const place = Number(slider.value);
    const rows = image.naturalHeight / side;
    for (let row = 0; row < rows; row += 1) {
      context.drawImage(image, place * side, row * side, side, side, row * side, 0, side, side);
    }
    output.textContent = heads[place] ?? `${place + 1} of ${Number(slider.max) + 1}`;
    slider.setAttribute("aria-valuetext", output.textContent);
  }

  function ready() {
    slider.max = String(image.naturalWidth / side - 1);
    if (!button) slider.value = String(Math.round(Number(slider.max) / 2));
    show();
  }

  let timer = 0;
  let onward = 1;

  function step() {
    if (!figure.isConnected) return clearInterval(timer);
    const next = Number(slider.value) + onward;
    if (next < 0 || next > Number(slider.max)) onward = -onward;
    slider.value = String(Number(slider.value) + onward);
    show();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Play";
  }

  button?.addEventListener("click", () => {
    if (timer) return stop();
    timer = setInterval(step, 1000 / FRAMES_PER_SECOND);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
  });
  slider.addEventListener("input", () => {
    if (timer) stop();
    show();
  });
  if (image.complete && image.naturalWidth) ready();
  else image.addEventListener("load", ready);
  image.addEventListener("error", () => {
    output.textContent = "The picture cannot be drawn.";
  });
}
