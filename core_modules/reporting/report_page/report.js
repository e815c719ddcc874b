"use strict";
// Draws the charts and tables of one run from the JSON beside it. Text from data is only ever set
// as text, never as markup.

const report = JSON.parse(document.getElementById("report-data").textContent);
const LANE = 17; // pixels, height of one line of event names
const MOST_LANES = 5;
const NARROW = 640; // pixels: below it, events carry numbers that the list under the chart explains
const DAY = 86400000;
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
const timeCharts = report.time_charts.map((id) => document.getElementById(id));
const pen = document.createElement("canvas").getContext("2d");

function textWidth(text) {
  pen.font = "12px DejaVu Sans, sans-serif";
  return pen.measureText(text).width + 8;
}

// Give each event in view a line on which its name meets no other; null where none has room.
function placeNames(events, first, last, width) {
  const scale = width / (last - first);
  const taken = Array(MOST_LANES).fill(-Infinity);
  return events.map((event) => {
    const start = Math.max((event.from - first) * scale, 0);
    const end = Math.min((event.to - first) * scale, width);
    const length = textWidth(event.text);
    const left = Math.max(Math.min(start, width - length), 0);
    const lane = taken.findIndex((edge) => edge <= Math.min(left, start));
    if (lane >= 0) taken[lane] = Math.max(left + length, end) + 4;
    return lane < 0 ? null : { event, lane, at: left };
  });
}

let chosen = report.item; // name of the item shown; empty: all of them together

function eventsOf(item) {
  return report.events.filter((event) => event.item === "" || event.item === item);
}

function listEvents() {
  document.getElementById("event-key").replaceChildren(...eventsOf(chosen).map((event) => {
    const line = document.createElement("li");
    line.textContent = `${event.label}, ${event.start} to ${event.end}`;
    return line;
  }));
}

function eventLayout(chart) {
  const size = chart._fullLayout._size;
  const [first, last] = chart._fullLayout.xaxis.range.map((day) => Date.parse(day.replace(" ", "T") + (day.length > 10 ? "Z" : "T00:00Z")));
  const narrow = chart.clientWidth < NARROW;
  const seen = eventsOf(chosen)
    .map((event, index) => ({
      from: Date.parse(event.start) - DAY / 2,
      to: Date.parse(event.end) + DAY / 2,
      text: narrow ? String(index + 1) : event.label,
    }))
    .filter((event) => event.to > first && event.from < last);
  const names = placeNames(seen, first, last, size.w).filter((name) => name);
  const lanes = 1 + Math.max(-1, ...names.map((name) => name.lane));
  const day = (time) => new Date(time).toISOString().slice(0, 19);
  return {
    "margin.t": 12 + LANE * lanes,
    height: report.charts[chart.id].height + LANE * lanes,
    shapes: seen.map((event) => ({
      type: "rect", yref: "paper", y0: 0, y1: 1, layer: "below", line: { width: 0 },
      x0: day(event.from), x1: day(event.to), fillcolor: "#f3e3a0", opacity: 0.55,
    })),
    annotations: names.map(({ event, lane, at }) => ({
      text: event.text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"),
      xref: "paper", x: at / size.w, xanchor: "left", yref: "paper", y: 1, yanchor: "bottom",
      yshift: LANE * lane, showarrow: false, font: { size: 12, color: "#1c2733" },
      bgcolor: "#f8efc6", borderpad: 1,
    })),
  };
}

let busy = false;
async function shadeEvents() {
  for (const chart of timeCharts) await Plotly.relayout(chart, eventLayout(chart));
}

// Zooming one chart over days zooms them all.
async function follow(source, change) {
  if (busy || !Object.keys(change).some((key) => key.startsWith("xaxis") || key === "autosize")) return;
  busy = true;
  const range = source._fullLayout.xaxis.range.slice();
  for (const chart of timeCharts) {
    if (chart !== source) await Plotly.relayout(chart, { "xaxis.range": range });
  }
  await shadeEvents();
  busy = false;
}

async function drawCharts() {
  const touch = window.matchMedia("(pointer: coarse)").matches || window.innerWidth < NARROW;
  busy = true;
  for (const [id, figure] of Object.entries(report.charts)) {
    if (touch) figure.layout.dragmode = false; // a finger on a chart must still scroll the page
    if (window.innerWidth < NARROW && !figure.height) {
      Object.assign(figure.layout.xaxis, { nticks: 3, tickfont: { size: 11 } });
    }
    await Plotly.newPlot(id, figure.data, figure.layout, CONFIG);
  }
  await shadeEvents();
  busy = false;
  for (const chart of timeCharts) chart.on("plotly_relayout", (change) => follow(chart, change));
  let timer = 0;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(shadeEvents, 150);
  });
  document.body.dataset.ready = "true";
}

function chooseItem() {
  const choice = document.getElementById("item-choice");
  if (!choice) return;
  for (const [index, name] of report.series.names.entries()) choice.add(new Option(name, index));
  choice.addEventListener("change", async () => {
    const series = report.series.items[choice.value];
    for (const chart of timeCharts) {
      const total = report.charts[chart.id].data;
      const shown = total.map((trace) => ({ ...trace, y: series ? series[trace.meta] : trace.y }));
      await Plotly.react(chart, shown, chart.layout, CONFIG);
    }
    chosen = series ? report.series.names[choice.value] : report.item;
    listEvents();
    await shadeEvents();
    for (const chart of timeCharts) chart.dataset.item = chosen;
  });
}

const SHOW = {
  whole: (value) => Math.round(value).toLocaleString("en-US"),
  percent: (value) =>
    value === 0 || value === 1
      ? `${100 * value} %`
      : `${Math.min(Math.max(100 * value, 0.1), 99.9).toFixed(1)} %`,
};

function shown(value, kind) {
  if (value === null) return "n/a";
  return SHOW[kind] ? SHOW[kind](value) : String(value);
}

function cell(row, column, index) {
  const data = document.createElement("td");
  data.textContent = shown(row[index], column.kind);
  data.className = SHOW[column.kind] ? "number" : column.kind;
  data.dataset.label = column.label;
  if (column.kind === "urgency") data.classList.add(`urgency-${row[index]}`);
  return data;
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

// A table that is searched, filtered, sorted and turned page by page; `spec` has columns and rows.
function makeTable(id, spec) {
  const root = document.getElementById(id);
  if (!root) return;
  const [head, body, words, back, on] = ["thead tr", "tbody", ".shown", ".back", ".on"].map((part) => root.querySelector(part));
  const filters = [...root.querySelectorAll("[data-column]")];
  const search = root.querySelector("input[type=search]");
  const state = { column: -1, rising: true, page: 0 };

  function rows() {
    const wanted = search.value.trim().toLowerCase();
    const kept = spec.rows.filter((row) => {
      if (wanted && !row.some((value) => String(value).toLowerCase().includes(wanted))) return false;
      return filters.every((filter) => {
        const value = row[Number(filter.dataset.column)];
        return filter.type === "checkbox" ? !filter.checked || value > 0 || value === "yes" : !filter.value || value === filter.value;
      });
    });
    if (state.column < 0) return kept;
    const sign = state.rising ? 1 : -1;
    return kept.sort((a, b) => sign * compare(a[state.column], b[state.column]));
  }

  function draw() {
    const kept = rows();
    const pages = Math.max(1, Math.ceil(kept.length / spec.page));
    state.page = Math.min(state.page, pages - 1);
    const first = state.page * spec.page;
    const page = kept.slice(first, first + spec.page);
    body.replaceChildren(...page.map((row) => {
      const line = document.createElement("tr");
      line.append(...spec.columns.map((column, index) => cell(row, column, index)));
      return line;
    }));
    words.textContent = kept.length
      ? `${(first + 1).toLocaleString("en-US")} to ${(first + page.length).toLocaleString("en-US")} of ${kept.length.toLocaleString("en-US")}`
      : "nothing found";
    back.disabled = state.page === 0;
    on.disabled = state.page >= pages - 1;
  }

  spec.columns.forEach((column, index) => {
    const header = document.createElement("th");
    const button = document.createElement("button");
    header.scope = "col";
    if (SHOW[column.kind]) header.className = "number";
    button.textContent = column.label;
    button.addEventListener("click", () => {
      state.rising = state.column === index ? !state.rising : !SHOW[column.kind];
      state.column = index;
      for (const other of head.children) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", state.rising ? "ascending" : "descending");
      for (const other of head.querySelectorAll("button")) other.textContent = other.textContent.replace(/ [▲▼]$/, "");
      button.textContent = `${column.label} ${state.rising ? "▲" : "▼"}`;
      draw();
    });
    header.append(button);
    head.append(header);
  });
  for (const control of [search, ...filters]) {
    control.addEventListener("input", () => {
      state.page = 0;
      draw();
    });
  }
  back.addEventListener("click", () => { state.page -= 1; draw(); });
  on.addEventListener("click", () => { state.page += 1; draw(); });
  draw();
}

for (const [id, spec] of Object.entries(report.tables)) makeTable(id, spec);
listEvents();
chooseItem();
drawCharts();
