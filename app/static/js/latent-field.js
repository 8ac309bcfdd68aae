/** The field of a latent: an address is of one picture, so that there is no number under it, and one row. */

/** Mount a fieldset that has a seed. Fields that count from the seed on are empty and off as long as it is an address. */
export function mountLatent(fieldset) {
  const seed = fieldset.querySelector("input[name$=seed]");
  const counting = [fieldset.querySelector("input[name$=index]"), seed.form.elements.namedItem("rows")].filter(Boolean);
  const before = counting.map((field) => field.value || "0");

  function follow() {
    const isAddress = seed.value.startsWith(seed.dataset.addressMark);
    counting.forEach((field, place) => {
      if (field.disabled === isAddress) return;
      if (isAddress && field.value) before[place] = field.value;
      field.value = isAddress ? "" : before[place];
      field.disabled = isAddress;
    });
  }

  seed.addEventListener("input", follow);
  follow();
}
