/** Lists of jobs: they follow what happens, and their buttons do not leave the page. */

import { fetchPage, repeat, sendLive, take } from "./page.js";

const queue = document.getElementById("queue");

sendLive(["queue"]);
repeat(2, async () => {
  const { ok, page } = await fetchPage(queue.dataset.follow);
  if (ok) take(page, ["queue"]);
});
