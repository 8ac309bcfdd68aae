/** The next part of a list, fetched as the page that it is on, when the end of this one comes into sight. */

import { fetchPage } from "./page.js";

const MOST_TILES = 1200; // then the link to the next page stays a link

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} pages has a link with rel="next" as long as there is more
 * @param {() => void} added called after each part
 */
export function addAsOneScrolls(list, pages, added) {
  let isAdding = false;
  const add = async () => {
    const next = pages.querySelector("[rel=next]");
    if (!next || isAdding || list.children.length >= MOST_TILES) return;
    isAdding = true;
    try {
      const { ok, page } = await fetchPage(next.href);
      if (!ok) return; // the link still leads there, and says what is wrong
      list.append(...page.querySelectorAll(`#${list.id} > li`));
      const after = page.querySelector(`#${pages.id} [rel=next]`);
      if (after) next.replaceWith(after);
      else next.remove();
      added();
    } catch {
      return; // the link still leads there
    } finally {
      isAdding = false;
    }
    watch.unobserve(pages); // a new look tells whether the end is still in sight
    watch.observe(pages);
  };
  const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && add(), {
    rootMargin: "600px",
  });
  watch.observe(pages);
}
