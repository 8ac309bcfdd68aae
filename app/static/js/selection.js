/** Which tiles of a list are selected, by mouse and by keyboard. A tile is selected when its checkbox is checked. */

export class Selection {
  #list;
  #changed;
  #anchor = null;

  /**
   * @param {HTMLElement} list its children are tiles: each with a checkbox, and a link that shows it
   * @param {() => void} changed called whenever other tiles are selected
   */
  constructor(list, changed) {
    this.#list = list;
    this.#changed = changed;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("change", (event) => this.#check(event.target.closest("li")));
    list.addEventListener("focusin", (event) => this.#rove(event.target.closest("li")));
  }

  get tiles() {
    return [...this.#list.children];
  }

  get selected() {
    return this.tiles.filter(isSelected);
  }

  /** The tile that the keyboard is at. */
  get current() {
    return document.activeElement?.closest("#tiles > li");
  }

  /** Take in what the list holds now, at first too: only one tile is reached by Tab, arrows go on from it. */
  adopt() {
    const tiles = this.tiles;
    const reached = tiles.find((tile) => linkOf(tile).tabIndex === 0 && tile.dataset.known) ?? tiles[0];
    for (const tile of tiles) {
      tile.dataset.known = "yes";
      for (const control of tile.querySelectorAll("a, input, button")) control.tabIndex = tile === reached ? 0 : -1;
    }
    this.#changed();
  }

  all() {
    for (const tile of this.tiles) set(tile, true);
    this.#changed();
  }

  none() {
    for (const tile of this.selected) set(tile, false);
    this.#changed();
  }

  toggle(tile) {
    set(tile, !isSelected(tile));
    this.#anchor = tile;
    this.#changed();
  }

  /** Select all from the tile that was selected last to this one. */
  extend(tile) {
    const tiles = this.tiles;
    const ends = [tiles.indexOf(this.#anchor ?? tile), tiles.indexOf(tile)].sort((a, b) => a - b);
    for (const one of tiles.slice(ends[0], ends[1] + 1)) set(one, true);
    this.#anchor ??= tile;
    this.#changed();
  }

  /** Go from a tile to the one so many places or lines further. Returns it, or null at the end. */
  move(tile, places, lines) {
    const tiles = this.tiles;
    const target = tiles[tiles.indexOf(tile) + places + lines * this.#columns()];
    if (target) linkOf(target).focus();
    return target ?? null;
  }

  #columns() {
    return getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
  }

  #click(event) {
    const tile = event.target.closest("li");
    if (!tile || !(event.shiftKey || event.ctrlKey || event.metaKey) || !event.target.closest("a, input")) return;
    if (event.target.closest("a")) event.preventDefault();
    if (event.shiftKey) this.extend(tile);
    else if (event.target.closest("a")) this.toggle(tile);
  }

  #check(tile) {
    if (!tile) return;
    if (isSelected(tile)) this.#anchor = tile;
    this.#changed();
  }

  #rove(tile) {
    if (!tile || linkOf(tile).tabIndex === 0) return;
    for (const control of this.#list.querySelectorAll('[tabindex="0"]')) control.tabIndex = -1;
    for (const control of tile.querySelectorAll("a, input, button")) control.tabIndex = 0;
  }
}

export function linkOf(tile) {
  return tile.querySelector("a");
}

function isSelected(tile) {
  return tile.querySelector("input").checked;
}

function set(tile, on) {
  tile.querySelector("input").checked = on;
}
