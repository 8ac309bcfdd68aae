/** Curves of trainings, drawn by uPlot: one chart for each thing that was measured, a line for each term or training. */

import uPlot from "./plot.js";

const HEIGHT = 168;
const LINES = 6;
const REAL = "real pictures";

export class Curves {
  /** place: where charts go. jobs: what the page tells of them. metrics: {name: {title, better}}. */
  constructor(place, jobs, metrics) {
    this.place = place;
    this.jobs = jobs;
    this.metrics = metrics;
    this.points = jobs.map(() => ({ losses: new Map(), quality: new Map(), floors: new Map() }));
    this.charts = new Map();
    this.waiting = 0;
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  /** Take points of the API: [{step, losses, quality}], in the order of their steps. */
  add(number, points) {
    const job = this.jobs[number];
    const { losses, quality, floors } = this.points[number];
    for (const point of points) {
      const x = this.jobs.length === 1 ? point.step : (point.step / job.total_steps) * job.images;
      for (const [name, y] of Object.entries(point.losses ?? {})) put(losses, name, x, y);
      for (const [name, y] of Object.entries(point.quality?.values ?? {})) put(quality, name, x, y);
      for (const [name, y] of Object.entries(point.quality?.floors ?? {})) put(floors, name, x, y);
    }
    this.waiting ||= setTimeout(() => this.draw(), 200);
  }

  draw() {
    this.waiting = 0;
    for (const chart of [...this.quality(), ...this.losses()]) this.drawChart(chart);
    this.place.dataset.drawn = this.charts.size;
  }

  /** A chart for each metric: a line for each training, and one for what real pictures have. */
  quality() {
    const names = Object.keys(this.metrics).filter((name) => this.points.some((one) => one.quality.has(name)));
    return names.map((name) => {
      const lines = this.lines((one) => one.quality.get(name));
      const real = this.points.map((one) => one.floors.get(name)).find(Boolean);
      if (real) lines.push({ label: REAL, colour: "--faint", dash: [4, 4], points: real });
      return { key: `quality ${name}`, title: this.metrics[name].title, note: this.metrics[name].better, lines };
    });
  }

  /** Of one training, a chart for each player with all its terms; of several, a chart for each term that they share. */
  losses() {
    const names = [...new Set(this.points.flatMap((one) => [...one.losses.keys()]))];
    if (this.jobs.length > 1) {
      const shared = names.filter((name) => this.points.filter((one) => one.losses.has(name)).length > 1);
      return shared.map((name) => ({ key: name, title: name, note: "loss", lines: this.lines((one) => one.losses.get(name)) }));
    }
    const players = Map.groupBy ? Map.groupBy(names, player) : group(names, player);
    return [...players].map(([name, terms]) => ({
      key: name,
      title: `loss of the ${name.replaceAll("_", " ")}`,
      note: "term by term",
      lines: terms.map((term, place) => ({
        label: term.slice(name.length + 1) || term,
        colour: `--series-${(place % LINES) + 1}`,
        points: this.points[0].losses.get(term),
      })),
    }));
  }

  lines(choose) {
    const found = this.points.map((one, place) => {
      const label = this.jobs.length === 1 ? "drawn pictures" : this.jobs[place].name;
      return { label, colour: `--series-${place + 1}`, points: choose(one) };
    });
    return found.filter((one) => one.points);
  }

  drawChart({ key, title, note, lines }) {
    const data = join(lines);
    const labels = lines.map((line) => line.label).join();
    let chart = this.charts.get(key);
    if (chart && chart.labels !== labels) {
      chart.plot.destroy();
      chart.figure.querySelector(".plot").replaceChildren();
      chart = { ...chart, plot: null };
    }
    if (!chart) chart = { figure: this.frame(key, title, note), labels, plot: null };
    const canvas = chart.figure.querySelector(".plot");
    if (chart.plot) chart.plot.setData(data);
    else chart.plot = new uPlot(this.options(lines, canvas), data, canvas);
    canvas.setAttribute("aria-label", describe(title, lines));
    this.charts.set(key, { ...chart, labels });
  }

  /** The figure of a chart: in the place that the page keeps for it, or after all others. */
  frame(key, title, note) {
    const kept = this.place.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const figure = kept ?? this.place.appendChild(document.createElement("figure"));
    const caption = document.createElement("figcaption");
    const small = document.createElement("small");
    small.textContent = ` ${note}`;
    caption.append(title, small);
    const plot = document.createElement("div");
    plot.className = "plot";
    plot.setAttribute("role", "group");
    figure.append(caption, plot);
    return figure;
  }

  options(lines, canvas) {
    const colour = (name) => getComputedStyle(probe(this.place, name)).color;
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "11px system-ui" };
    return {
      width: canvas.clientWidth || 320,
      height: HEIGHT,
      scales: { x: { time: false } },
      axes: [{ ...axis, size: 28, values: (_, ticks) => ticks.map(short) }, { ...axis, size: 52, values: (_, ticks) => ticks.map(short) }],
      cursor: { sync: { key: "curves" }, points: { size: 5 } },
      legend: { live: true },
      series: [
        { label: this.jobs.length === 1 ? "step" : "pictures seen", value: (plot, x, at, place) => tell(plot, x, at, place, (one) => Math.round(one).toLocaleString("en")) },
        ...lines.map((line) => ({
          label: line.label,
          stroke: colour(line.colour),
          dash: line.dash,
          width: 1.5,
          spanGaps: true,
          points: { show: line.points.length < 3 },
          value: (plot, y, at, place) => tell(plot, y, at, place, short),
        })),
      ],
    };
  }

  resize() {
    for (const { plot, figure } of this.charts.values()) {
      const width = figure.querySelector(".plot").clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }
  }

  rebuild() {
    for (const chart of this.charts.values()) chart.labels = null;
    this.draw();
  }
}

/** Append a point, unless the line has come farther: a training that goes on from a checkpoint repeats some. */
function put(lines, name, x, y) {
  if (!lines.has(name)) lines.set(name, []);
  const line = lines.get(name);
  if (!line.length || line.at(-1)[0] < x) line.push([x, y]);
}

function join(lines) {
  return uPlot.join(lines.map((line) => [line.points.map((one) => one[0]), line.points.map((one) => one[1])]));
}

function player(term) {
  return term.split("/")[0];
}

function group(names, by) {
  const groups = new Map();
  for (const name of names) groups.set(by(name), [...(groups.get(by(name)) ?? []), name]);
  return groups;
}

function describe(title, lines) {
  const last = lines.filter((line) => line.points.length).map((line) => `${line.label} ${short(line.points.at(-1)[1])}`);
  return `${title}, newest values: ${last.join(", ")}`;
}

/** What the legend says of a line: its value under the pointer, or its newest where no pointer is. */
function tell(plot, value, at, place, write) {
  const told = place == null ? plot.data?.[at]?.findLast((one) => one != null) : value;
  return told == null ? "–" : write(told);
}

function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  return String(+value.toPrecision(3));
}

/** An element whose colour is that of a token: the style sheet alone knows which theme it is. */
function probe(place, token) {
  const one = place.querySelector(":scope > .probe") ?? place.appendChild(document.createElement("span"));
  one.className = "probe";
  one.hidden = true;
  one.style.color = `var(${token})`;
  return one;
}
