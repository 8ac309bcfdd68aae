/** A slider over the sample grids of one training or several: each shows its grid of the same share of its steps. */

const PAUSE_MILLISECONDS = 125;

export class Timelapse {
  /** jobs: [{id, total_steps, frames: [{step, url}]}]. places: elements with `data-job` that hold the pictures. */
  constructor(player, jobs, places) {
    this.jobs = jobs;
    this.places = new Map([...places].map((one) => [one.dataset.job, one]));
    this.timer = 0;
    this.build(player);
    this.update(true);
  }

  build(player) {
    this.player = player;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()));
    this.slider = document.createElement("input");
    this.slider.type = "range";
    this.slider.min = 0;
    this.slider.setAttribute("aria-label", "step of the training");
    this.slider.addEventListener("input", () => {
      this.stop();
      this.show();
    });
    this.told = document.createElement("span");
    player.append(this.button, this.slider, this.told);
    this.stop();
  }

  /** Take a grid that was drawn just now. */
  add(id, frame) {
    const job = this.jobs.find((one) => one.id === id);
    if (job.frames.some((one) => one.step === frame.step)) return;
    job.frames.push(frame);
    job.frames.sort((a, b) => a.step - b.step);
    this.update(false);
  }

  /** Let the slider reach all grids; who looked at the last one looks at the last one still. */
  update(first) {
    const shares = this.jobs.flatMap((job) => job.frames.map((frame) => frame.step / job.total_steps));
    const was = this.shares?.[this.slider.value];
    const followed = first || Number(this.slider.value) === this.shares.length - 1;
    this.shares = [...new Set(shares)].sort((a, b) => a - b);
    for (const one of this.player.children) one.hidden = this.shares.length < 2;
    this.slider.max = Math.max(0, this.shares.length - 1);
    this.slider.value = followed && !this.timer ? this.shares.length - 1 : this.shares.indexOf(was);
    this.show();
  }

  show() {
    const share = this.shares[this.slider.value];
    if (share === undefined) return;
    const texts = this.jobs.map((job) => this.showJob(job, share)).filter(Boolean);
    const text = texts.length === 1 ? texts[0] : `${Math.round(share * 100)} % of the training`;
    this.told.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }

  showJob(job, share) {
    const past = job.frames.filter((frame) => frame.step <= share * job.total_steps + 1e-6);
    const frame = past.at(-1) ?? job.frames[0];
    if (!frame) return null;
    const picture = this.picture(job.id);
    if (picture.getAttribute("src") !== frame.url) picture.src = frame.url;
    picture.alt = `sample grid of step ${frame.step}`;
    return `step ${frame.step.toLocaleString("en")} of ${job.total_steps.toLocaleString("en")}`;
  }

  picture(id) {
    const place = this.places.get(id);
    const there = place.querySelector("img.frame");
    if (there) return there;
    const picture = document.createElement("img");
    picture.className = "picture frame";
    picture.addEventListener("load", () => {
      picture.width = picture.naturalWidth;
      picture.height = picture.naturalHeight;
    });
    const empty = place.querySelector(".empty");
    const kept = empty?.querySelector("svg"); // whose shape the picture has before it is there
    for (const side of kept ? ["width", "height"] : []) picture.setAttribute(side, kept.getAttribute(side));
    empty?.replaceWith(picture);
    return picture;
  }

  play() {
    if (Number(this.slider.value) === this.shares.length - 1) this.slider.value = 0;
    this.button.textContent = "Stop";
    this.timer = setInterval(() => this.advance(), PAUSE_MILLISECONDS);
    this.show();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.button.textContent = "Play";
  }

  advance() {
    const pictures = this.jobs.map((job) => this.places.get(job.id).querySelector("img.frame")).filter(Boolean);
    if (!pictures.every((one) => one.complete)) return; // no grid is left out where the network is slow
    this.slider.value = Number(this.slider.value) + 1;
    this.show();
    if (Number(this.slider.value) === this.shares.length - 1) this.stop();
  }
}
