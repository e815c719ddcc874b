// The charts of an item, from the JSON in the page. Plotly reads a few HTML tags in texts, so every
// text from data is escaped before it gets there.

import { money, units, whole } from "./words.js";

const NARROW = 640; // pixels
const DAY = 86400000; // milliseconds
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset" };
const LANE = 18; // pixels, height of one line of event names

const probe = document.createElement("span");
export function colour(name) {
  probe.style.color = `var(--${name})`;
  if (!probe.isConnected) document.body.append(probe);
  return getComputedStyle(probe).color;
}
const faint = (name, share) => colour(name).replace("rgb(", "rgba(").replace(")", `, ${share})`);
export const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const shorten = (text, most) => ([...text].length <= most ? text : `${[...text].slice(0, most - 1).join("")}…`);
const data = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");

export function layout(unit, more = {}) {
  const narrow = window.innerWidth < NARROW;
  return {
    font: { family: "system-ui, DejaVu Sans, sans-serif", size: 13, color: colour("ink") },
    margin: { l: 64, r: 12, t: 12, b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("edge"), font: { color: colour("ink") } },
    legend: { orientation: "h", x: 0, y: -0.16, yanchor: "top" },
    dragmode: narrow || window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    yaxis: { title: { text: unit, font: { size: 13 } }, rangemode: "tozero", gridcolor: colour("line"), zeroline: false, fixedrange: true, tickformat: ",.7~r", automargin: true, nticks: 6 },
    xaxis: { showgrid: false, linecolor: colour("edge"), ticks: "outside", tickcolor: colour("edge"), nticks: narrow ? 4 : 9, tickangle: 0 },
    ...more,
  };
}

function timeLayout(unit, first, last, today, signals) {
  const from = Date.parse(first) - DAY / 2;
  const to = Date.parse(last) + DAY / 2;
  const shapes = [];
  const annotations = [];
  const lanes = [];
  const width = document.getElementById("main").clientWidth - 110;
  const byStart = [...signals].sort((one, other) => one.start.localeCompare(other.start));
  for (const signal of byStart) {
    const start = Math.max(Date.parse(signal.start) - DAY / 2, from);
    const end = Math.min(signal.last_day ? Date.parse(signal.last_day) + DAY / 2 : to, to);
    if (signal.status === "withdrawn" || end <= from || start >= to) continue;
    shapes.push({ type: "rect", yref: "paper", y0: 0, y1: 1, x0: iso(start), x1: iso(end), fillcolor: colour("event"), opacity: 0.6, line: { width: 0 }, layer: "below" });
    const text = shorten((signal.label || signal.kind).replaceAll("_", " "), window.innerWidth < NARROW ? 16 : 28);
    const left = Math.max(0, Math.min(((start - from) / (to - from)) * width, width - 8 * text.length));
    let lane = lanes.findIndex((edge) => edge <= left);
    if (lane < 0) lane = lanes.length;
    if (lane > 3) continue;
    lanes[lane] = left + 8 * text.length + 10;
    annotations.push({ text: plain(text), xref: "paper", x: left / width, xanchor: "left", yref: "paper", y: 1, yanchor: "bottom", yshift: LANE * lane, showarrow: false, font: { size: 12 }, bgcolor: colour("event"), borderpad: 1 });
  }
  if (today) {
    shapes.push({ type: "line", yref: "paper", y0: 0, y1: 1, x0: iso(Date.parse(today) + DAY / 2), x1: iso(Date.parse(today) + DAY / 2), line: { color: colour("soft"), width: 1, dash: "dot" } });
  }
  const base = layout(unit, { hovermode: "x unified", shapes, annotations, bargap: 0.25 });
  base.margin.t = 10 + LANE * lanes.length;
  base.showlegend = false; // the key stands beside the chart, as text
  base.margin.b = 28;
  Object.assign(base.xaxis, { type: "date", range: [iso(from), iso(to)], hoverformat: "%a %-d %b %Y", tickformat: "%-d %b" });
  return base;
}

const iso = (time) => new Date(time).toISOString().slice(0, 19);
const column = (rows, name) => rows.map((row) => row[name]);

function line(rows, name, words, tone, more = {}) {
  return { type: "scatter", mode: "lines", name: words, x: column(rows, "day"), y: column(rows, name), line: { color: colour(tone), width: 2 }, hovertemplate: "%{y:,.0f}", ...more };
}

function bars(rows, name, words, tone, more = {}) {
  return { type: "bar", name: words, x: column(rows, "day"), y: column(rows, name), marker: { color: colour(tone) }, width: 0.75 * DAY, hovertemplate: "%{y:,.0f}", ...more };
}

const hatched = (tone) => ({ marker: { color: colour(tone), pattern: { shape: "/", fgcolor: colour(tone), bgcolor: colour("paper"), fillmode: "overlay", size: 6 } } });

function band(rows, low, high, words, share) {
  const none = { line: { width: 0 }, hoverinfo: "skip" };
  return [
    line(rows, low, words, "blue", { ...none, hovertemplate: undefined, showlegend: false }),
    line(rows, high, words, "blue", { ...none, hovertemplate: undefined, fill: "tonexty", fillcolor: faint("blue", share) }),
  ];
}

function drawDemand(item) {
  const { days, ahead, signals } = item;
  const past = recent(days);
  const traces = [
    ...(ahead.length ? [...band(ahead, "low95", "high95", "19 of 20 cases", 0.14), ...band(ahead, "low80", "high80", "8 of 10 cases", 0.24), line(ahead, "mean", "forecast", "blue")] : []),
    bars(past, "sold", "sold", "bar"),
    bars(past, "unmet", "lost for want of stock", "vermillion", hatched("vermillion")),
  ];
  draw("chart-demand", traces, past, ahead, signals, "units a day");
}

function drawStock(item) {
  const { days, ahead, signals, ordered } = item;
  const past = recent(days);
  const placed = ordered.filter((row) => past.length && row.day >= past[0].day);
  const due = ahead.filter((row) => row.due > 0);
  const now = past.length ? [{ day: past.at(-1).day, stock: past.at(-1).closing }] : [];
  const traces = [
    line(past, "closing", "stock at day's end", "blue", { line: { color: colour("blue"), width: 2, shape: "hvh" }, fill: "tozeroy", fillcolor: faint("blue", 0.12) }),
    ...(ahead.length ? [line([...now, ...ahead], "stock", "stock expected", "blue", { line: { color: colour("blue"), width: 2, dash: "dot" } })] : []),
    bars(past.filter((row) => row.received), "received", "delivered", "green"),
    ...(due.length ? [bars(due, "due", "delivery due", "green", hatched("green"))] : []),
    ...(placed.length ? [{ ...line(placed, "quantity", "ordered", "vermillion"), mode: "markers", marker: { color: colour("vermillion"), size: 9, symbol: "diamond" } }] : []),
  ];
  draw("chart-stock", traces, past, ahead, signals, "units");
}

// As many past days as can be told apart beside the days ahead.
const recent = (days) => days.slice(-(window.innerWidth < NARROW ? 28 : 90));

function draw(id, traces, past, ahead, signals, unit) {
  const box = document.getElementById(id);
  const all = [...past, ...ahead];
  if (!box || !all.length) return;
  const frame = timeLayout(unit, all[0].day, all.at(-1).day, past.at(-1)?.day, signals);
  frame.barmode = "stack";
  Plotly.react(box, traces, frame, CONFIG).then(() => { box.dataset.drawn = "true"; });
}

export function drawCurves(id, curves, unit) {
  const box = document.getElementById(id);
  if (!box) return;
  const traces = curves.flatMap(({ points, name, tone, dash, chosen }) => [
    { type: "scatter", mode: "lines+markers", name, x: column(points, "quantity"), y: column(points, "cost"), line: { color: colour(tone), width: 2, dash }, marker: { size: 5 }, text: points.map((point) => `${units(point.quantity)}: ${money(point.cost)}`), hovertemplate: "%{text}<extra></extra>" },
    { type: "scatter", mode: "markers", name: `${name}, chosen`, showlegend: false, x: chosen.map((point) => point.quantity), y: chosen.map((point) => point.cost), marker: { size: 13, symbol: "diamond", color: colour(tone), line: { color: colour("paper"), width: 2 } }, hovertemplate: `${units(chosen[0]?.quantity)}, chosen<extra></extra>` },
  ]);
  const frame = layout("", { showlegend: curves.length > 1 });
  frame.margin.b = curves.length > 1 ? 70 : 48;
  frame.legend.y = -0.32;
  frame.yaxis.rangemode = "normal";
  frame.yaxis.title.text = `expected cost, ${unit}`;
  frame.xaxis.title = { text: "units ordered", standoff: 6, font: { size: 13 } };
  frame.xaxis.tickformat = ",.7~r";
  frame.xaxis.nticks = 6;
  Plotly.react(box, traces, frame, CONFIG).then(() => { box.dataset.drawn = "true"; });
}

function drawWhy() {
  const why = data("curve-data");
  if (!why?.curve.length) return;
  const chosen = why.curve.filter((point) => point.chosen);
  drawCurves("chart-curve", [{ points: why.curve, name: "cost", tone: "blue", dash: "solid", chosen }], document.querySelector('meta[name="currency"]').content);
}

let drawn = "";
function drawAll(force = false) {
  const told = ["item-data", "curve-data"].map((id) => document.getElementById(id)?.textContent ?? "").join("\n");
  if (!force && told === drawn) return;
  drawn = told;
  const item = data("item-data");
  if (item) {
    drawDemand(item);
    drawStock(item);
  }
  drawWhy();
}

export function startCharts() {
  if (!document.getElementById("curve-data") && !document.getElementById("item-data")) {
    if (!["item", "decision"].includes(document.body.dataset.page)) return;
  }
  if (typeof Plotly === "undefined") return; // the tables beside the charts hold the same figures
  drawAll();
  document.addEventListener("renewed", () => drawAll());
  document.addEventListener("theme", () => drawAll(true));
}

