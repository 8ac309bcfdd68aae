/** A training as it goes on, or several beside each other: curves, pictures, and what happens. */

import { reach, Silence, tellSilence } from "./api.js";
import { Curves } from "./curves.js";
import { attempt, fetchPage, insist, repeat, say, sendLive, take } from "./page.js";
import { Timelapse } from "./timelapse.js";

const PARTS = ["status", "warnings", "turns", "log", "values", "checkpoints", "films", "grids"];
const AGAIN_SECONDS = 2;
const TELLS = ["status", "log", "warning", "quality", "checkpoint", "sample", "end"];
const told = JSON.parse(document.getElementById("watched").textContent);
const curves = new Curves(document.getElementById("curves"), told.jobs, told.metrics);
const timelapse = new Timelapse(document.querySelector(".player"), told.jobs, document.querySelectorAll("[data-job]"));
const cursors = told.jobs.map(() => null);
let refreshing = 0;

sendLive(PARTS);
if (told.jobs.length === 1) await follow(told.jobs[0]);
else await compare();

/** Draw what was measured since the last time. */
async function load(number) {
  for (;;) {
    const cursor = cursors[number] === null ? "" : `?cursor=${cursors[number]}`;
    const response = await reach(`/jobs/${told.jobs[number].id}/metrics${cursor}`);
    if (response.status >= 500) throw new Silence(); // it may answer the next time
    if (!response.ok) return;
    const page = await response.json().catch(tellSilence);
    curves.add(number, page.items);
    if (page.next_cursor === null || page.next_cursor === cursors[number]) return;
    cursors[number] = page.next_cursor;
  }
}

/** Listen to one job until it ends. What came before the page was made is in the page, or was loaded. */
async function follow(job) {
  await insist(AGAIN_SECONDS, () => load(0));
  if (job.is_finished) return;
  listen(job, told.seen);
  repeat(AGAIN_SECONDS, async () => job.is_finished || (await refresh()));
}

/** Take what happens to a job after the event of this number. */
function listen(job, after) {
  const source = new EventSource(`/jobs/${job.id}/events?after=${after}`);
  let seen = after;
  const hear = (kind, act) => source.addEventListener(kind, (event) => {
    seen = event.lastEventId;
    act(JSON.parse(event.data));
  });
  hear("metric", (event) => curves.add(0, [{ step: event.step, losses: event.data }]));
  hear("quality", (event) => curves.add(0, [{ step: event.step, quality: event.data }]));
  hear("sample", (event) => timelapse.add(job.id, { step: event.step, url: `/jobs/${job.id}/samples/${event.step}.png` }));
  for (const kind of TELLS) hear(kind, () => refreshSoon());
  hear("end", (event) => {
    source.close();
    job.is_finished = true;
    say(`The training has ended: ${event.data.state}.`);
  });
  source.addEventListener("error", () => {
    refreshSoon(); // which says it where nobody answers
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(job, seen), 1000 * AGAIN_SECONDS); // else the browser asks again
  });
}

function refreshSoon() {
  refreshing ||= setTimeout(() => attempt(refresh), 500);
}

/** Take what the server renders of the job: how far it is, and what was said. */
async function refresh() {
  clearTimeout(refreshing);
  refreshing = 0;
  const { ok, page } = await fetchPage(location.href);
  if (ok) take(page, PARTS);
}

/** Show several jobs, and ask for what is new of those that go on. */
async function compare() {
  await insist(AGAIN_SECONDS, () => Promise.all(told.jobs.map((_, number) => load(number))));
  repeat(3, async () => {
    const going = [...told.jobs.keys()].filter((number) => !told.jobs[number].is_finished);
    if (!going.length) return;
    await Promise.all(going.map(load));
    const { ok, page } = await fetchPage(location.href);
    if (!ok) return;
    const fresh = JSON.parse(page.getElementById("watched").textContent);
    fresh.jobs.forEach((job, number) => {
      told.jobs[number].is_finished = job.is_finished;
      for (const frame of job.frames) timelapse.add(job.id, frame);
    });
    take(page, ["values", "about-curves", ...told.jobs.flatMap((job) => [`head-${job.id}`, `progress-${job.id}`])]);
  });
}
