/** Variations of a picture as links: each leads to the pictures around itself. */

import { ask, Refusal } from "./api.js";

export async function mountAround(figure) {
  const image = figure.querySelector("img.strip");
  const told = await ask("GET", `${figure.dataset.around}&format=json`).catch((error) => error);
  if (told instanceof Refusal || !figure.isConnected) return; // the picture stays, which says the same
  if (told instanceof Error) throw told;
  const { items } = told;
  const list = document.createElement("ol");
  list.className = "variations";
  items.forEach((item, place) => {
    const url = new URL(location.href);
    url.searchParams.set("tool", "around");
    url.searchParams.delete("index");
    url.searchParams.set("seed", item.latent);
    if (item.label !== null) url.searchParams.set("label", item.label);
    const link = document.createElement("a");
    link.href = url;
    const picture = document.createElement("img");
    Object.assign(picture, { src: item.picture, width: 56, height: 56, className: "picture" });
    picture.alt = place === 0 ? "the picture itself" : `variation ${place}: go on from here`;
    link.append(picture);
    const entry = document.createElement("li");
    entry.append(link);
    list.append(entry);
  });
  list.dataset.columns = String(image.width / 56);
  image.replaceWith(list);
}
