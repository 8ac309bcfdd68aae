/** Buttons that copy: `data-copy` has the text, `data-copy-here` means the page's own address. */

/** Put text on the clipboard, also where the page is not served securely and the browser has no clipboard for it. */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy], [data-copy-here]");
  if (!button) return;
  await copy("copyHere" in button.dataset ? location.href : button.dataset.copy);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
});
