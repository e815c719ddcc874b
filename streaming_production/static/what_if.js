// The trial on an item's page: what the agent would decide if things were otherwise.

import { drawCurves } from "./charts.js";
import { Refused, send } from "./server.js";
import { day, money, percent, whole } from "./words.js";

const PAUSE = 250; // milliseconds after the last movement
const FIGURES = [
  ["Order, units", (what) => whole(what.quantity)],
  ["Due", (what) => day(what.due)],
  ["Urgency", (what) => what.urgency],
  ["Stockout risk", (what) => percent(what.stockout_risk)],
  ["Demand expected, units", (what) => whole(what.expected_demand)],
  ["Expected cost", (what) => money(what.expected_cost)],
  ["Reorder point", (what) => whole(what.reorder_point)],
  ["Order-up-to level", (what) => whole(what.order_up_to)],
];
const field = (name) => document.getElementById(`what-if-${name}`);
const times = (value, digits) => `×${Number(value).toFixed(digits)}`;

function question(form) {
  const asked = { unique_id: document.getElementById("main").dataset.item };
  if (field("demand").value !== "1") asked.demand_factor = Number(field("demand").value);
  if (field("lead").value !== form.dataset.leadTime) asked.lead_time = Number(field("lead").value);
  if (field("hand").value !== form.dataset.onHand) asked.on_hand = Number(field("hand").value);
  if (field("kind").value) {
    asked.event = { kind: field("kind").value, starts_in: Number(field("starts").value), days: Number(field("days").value), demand: Number(field("size").value) };
  }
  return asked;
}

function tell() {
  field("demand-words").textContent = times(field("demand").value, 2);
  field("lead-words").textContent = `${field("lead").value} days`;
  field("hand-words").textContent = whole(Number(field("hand").value));
  field("size-words").textContent = times(field("size").value, 1);
  field("event").hidden = field("kind").value === "";
}

function show({ baseline, changed }) {
  const rows = FIGURES.map(([words, write]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = words;
    const cells = [baseline, changed].map((what) => {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = write(what);
      return cell;
    });
    row.append(head, ...cells);
    return row;
  });
  field("table").querySelector("tbody").replaceChildren(...rows);
  field("reason").textContent = changed.reason;
  showCosts({ baseline, changed });
  const curve = (what, name, tone, dash) => ({ points: what.curve, name, tone, dash, chosen: what.curve.filter((point) => point.quantity === what.quantity) });
  if (typeof Plotly === "undefined") return;
  drawCurves("chart-what-if", [curve(baseline, "now", "soft", "dot"), curve(changed, "then", "blue", "solid")], document.querySelector('meta[name="currency"]').content);
}

function showCosts({ baseline, changed }) {
  const rows = [["now", baseline], ["then", changed]].flatMap(([words, what]) =>
    what.curve.map((point) => {
      const row = document.createElement("tr");
      for (const [text, name] of [[words, ""], [whole(point.quantity), "number"], [money(point.cost), "number"]]) {
        const cell = row.insertCell();
        cell.textContent = text;
        cell.className = name;
      }
      return row;
    }));
  field("costs").querySelector("tbody").replaceChildren(...rows);
}

// The shop goes on while the form stands there: its own stock follows, a stock somebody set stays.
function follow(form, onHand) {
  if (form.dataset.onHand === String(onHand)) return false;
  const untouched = field("hand").value === form.dataset.onHand;
  form.dataset.onHand = String(onHand);
  field("hand").defaultValue = String(onHand);
  field("hand").max = String(Math.max(Number(field("hand").max), 2 * onHand));
  if (untouched) field("hand").value = String(onHand);
  return untouched;
}

export function startWhatIf() {
  const form = field("form");
  if (!form) return;
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const turn = ++asked;
    try {
      const answer = await send("POST", "/api/what-if", question(form));
      if (turn === asked) show(answer);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (turn === asked) field("reason").textContent = error.message;
    }
  };
  const later = () => {
    tell();
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  };
  form.addEventListener("input", later);
  form.addEventListener("reset", () => setTimeout(later));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("theme", later);
  document.addEventListener("renewed", () => {
    const item = JSON.parse(document.getElementById("item-data").textContent);
    if (follow(form, item.on_hand)) later();
  });
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    ask();
  });
  seen.observe(form);
}
