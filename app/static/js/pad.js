/**
 * A pad to draw on, by mouse, finger, keys or a picture of one's own. What is drawn is sent to POST /latent/project a
 * moment after the last stroke; the latents that it finds are buttons, and the chosen one is where the walk ends.
 */

import { ask, isEnded, onlyLast } from "./api.js";

const SIZE = 280;
const STEP = SIZE / 28;
const PEN = 22;
const PAUSE_MS = 350;
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

export function mountPad(pad, form, update) {
  const context = pad.getContext("2d");
  const found = document.getElementById("found");
  const matches = document.getElementById("matches");
  const centre = document.getElementById("centre");
  const checkpoint = form.elements.namedItem("checkpoint").value;
  let strokes = [];
  let picture = null;
  let pen = { x: SIZE / 2, y: SIZE / 2, isDown: false, isShown: false };
  let timer = 0;
  const nextSignal = onlyLast();

  function paint(target) {
    target.fillStyle = "#000";
    target.fillRect(0, 0, SIZE, SIZE);
    if (picture) target.drawImage(picture, 0, 0, SIZE, SIZE);
    Object.assign(target, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    for (const stroke of strokes) {
      target.beginPath();
      target.moveTo(stroke[0].x - 0.01, stroke[0].y); // a line of no length, as a dot would be, is not drawn
      for (const { x, y } of stroke) target.lineTo(x, y);
      target.stroke();
    }
  }

  function show() {
    paint(context);
    if (!pen.isShown) return;
    Object.assign(context, { strokeStyle: pen.isDown ? "#3fd08f" : "#eab04f", lineWidth: 2 });
    context.beginPath();
    context.arc(pen.x, pen.y, PEN / 2, 0, 2 * Math.PI);
    context.stroke();
  }

  function changed() {
    show();
    clearTimeout(timer);
    nextSignal();
    if (strokes.length || picture) timer = setTimeout(project, PAUSE_MS);
    else {
      forget();
      found.textContent = "Draw, and eight latents are looked for.";
    }
  }

  async function project() {
    const copy = new OffscreenCanvas(SIZE, SIZE);
    paint(copy.getContext("2d"));
    found.textContent = "Looking for it…";
    try {
      const query = new URLSearchParams({ checkpoint, centre: String(centre.checked) });
      const signal = nextSignal();
      const png = await copy.convertToBlob({ type: "image/png" });
      const { items, judge } = await ask("POST", `/latent/project?${query}`, png, signal);
      const off = (100 * items[0].pixel_error).toFixed(1);
      const compared = judge ? "the pixels at two sizes, and of what a classifier sees" : "the pixels at two sizes";
      found.textContent =
        `${items.length} latents found, in the order of the distance under each: of ${compared}. ` +
        `The pixels of the first are ${off} % off.`;
      matches.replaceChildren(...items.map(entry));
      choose(items[0], matches.querySelector("button"));
    } catch (error) {
      if (isEnded(error)) return;
      forget();
      found.textContent = `Nothing found: ${error.message}`;
    }
  }

  /** Show no walk to what was found before. */
  function forget() {
    matches.replaceChildren();
    form.elements.namedItem("to_seed").value = "";
    update();
  }

  function entry(item) {
    const image = Object.assign(document.createElement("img"), {
      src: item.picture, width: 84, height: 84, className: "picture",
      alt: item.label === null ? "a picture that is like it" : `a ${item.label} that is like it`,
    });
    const distance = document.createElement("small");
    distance.textContent = item.distance.toFixed(4);
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(image, distance);
    button.addEventListener("click", () => choose(item, button));
    const place = document.createElement("li");
    place.append(button);
    return place;
  }

  function choose(item, chosen) {
    for (const button of matches.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
    form.elements.namedItem("to_seed").value = item.latent;
    const label = form.elements.namedItem("to_label");
    if (label) label.value = item.label;
    update();
  }

  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIZE, y: ((event.clientY - box.top) / box.height) * SIZE };
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    pen.isShown = false;
    clearTimeout(timer);
    strokes.push([at(event)]);
    show();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!pad.hasPointerCapture(event.pointerId)) return;
    strokes.at(-1).push(at(event));
    show();
  });
  pad.addEventListener("pointerup", changed);
  pad.addEventListener("pointercancel", changed);

  function move([x, y]) {
    pen.x = Math.min(SIZE - STEP / 2, Math.max(STEP / 2, pen.x + x));
    pen.y = Math.min(SIZE - STEP / 2, Math.max(STEP / 2, pen.y + y));
    if (!pen.isDown) return show();
    strokes.at(-1).push({ x: pen.x, y: pen.y });
    changed();
  }

  function undo() {
    if (strokes.pop() === undefined) picture = null;
    pen.isDown = false;
    changed();
  }

  pad.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in MOVES) {
      pen.isShown = true;
      move(MOVES[event.key]);
    } else if (event.key === " ") {
      pen.isShown = true;
      pen.isDown = !pen.isDown;
      if (pen.isDown) strokes.push([{ x: pen.x, y: pen.y }]);
      changed();
    } else if (event.key === "Backspace") {
      undo();
    } else {
      return;
    }
    event.preventDefault();
  });
  pad.addEventListener("blur", () => {
    Object.assign(pen, { isShown: false, isDown: false });
    show();
  });
  document.getElementById("undo").addEventListener("click", undo);
  document.getElementById("clear").addEventListener("click", () => {
    strokes = [];
    picture = null;
    changed();
  });
  centre.addEventListener("change", changed);
  document.getElementById("upload").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    event.target.value = "";
    const bitmap = await createImageBitmap(file).catch(() => null);
    const read = bitmap && onBlack(bitmap);
    if (!read) {
      found.textContent = `${file.name} ${bitmap ? "is all of one colour" : "is no picture that can be read"}.`;
      return;
    }
    picture = read;
    strokes = [];
    changed();
  });
  show();
}

/** Return a picture fitted into the pad, as a drawing on black: one on a bright ground is inverted. Of one colour: null. */
function onBlack(bitmap) {
  const canvas = new OffscreenCanvas(SIZE, SIZE);
  const context = canvas.getContext("2d");
  const scale = SIZE / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [left, top] = [width, height].map((side) => Math.floor((SIZE - side) / 2)); // whole, or its edges would be mixed
  context.drawImage(bitmap, left, top, width, height);
  const { data } = context.getImageData(left, top, width, height);
  if (data.every((value, place) => value === data[place % 4])) return null;
  let sum = 0;
  for (let place = 0; place < data.length; place += 4) sum += (data[place] * data[place + 3]) / 255;
  if (sum / (data.length / 4) > 127) {
    context.globalCompositeOperation = "difference";
    context.fillStyle = "#fff";
    context.fillRect(left, top, width, height);
  }
  return canvas;
}
