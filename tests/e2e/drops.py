"""Files that are dropped on a page, as one drags them in from elsewhere."""

from playwright.sync_api import Page

_DROP = """([bytes, type]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type }));
  for (const name of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(name, { dataTransfer: files, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, png: bytes) -> None:
    """Drop a PNG on the page."""
    page.evaluate(_DROP, [list(png), "image/png"])
