// The form in which a planner announces market events and promotions, edits and withdraws them.
//
// Each opening of the form makes the ids of its event once, so that a double click, or a second try
// after an answer that got lost, is one event.

import { openDialog } from "./dialogs.js";
import { renew, send, toast } from "./server.js";

const SOURCE = "dashboard";
const dialog = document.getElementById("signal-dialog");
const field = (name) => document.getElementById(`signal-${name}`);
// A page that is not served over https has no crypto.randomUUID.
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const number = (text) => (text.trim() === "" ? null : Number(text));

// The shop's day with the time of the clock: the shop may live in another year than we do.
function eventTime() {
  const now = new Date().toISOString();
  const day = document.getElementById("main").dataset.nextDay || now.slice(0, 10);
  return `${day}T${now.slice(11)}`;
}

function cloudEvent(type, data, { id, time }) {
  return { specversion: "1.0", id, source: SOURCE, type, time, datacontenttype: "application/json", data };
}

function fill(signal) {
  field("kind").value = signal.kind ?? "promotion";
  field("label").value = signal.label ?? "";
  field("start").value = signal.start ?? document.getElementById("main").dataset.nextDay;
  field("last").value = signal.last_day ?? "";
  field("demand").value = signal.demand ?? "";
  field("price").value = signal.price !== undefined && signal.price !== 1 ? signal.price : "";
  field("late").value = signal.lead_time_extra || "";
  const filled = signal.filled_share;
  field("filled").value = filled !== null && filled !== undefined && filled !== 1 ? String(Math.round(1000 * filled) / 10) : "";
  field("shut").checked = signal.supplier_shut ?? false;
  field("items").value = (signal.items ?? []).join("\n");
}

function read(signal) {
  const data = { signal_id: signal.signal_id, kind: field("kind").value, start: field("start").value };
  const optional = {
    label: field("label").value.trim() || null,
    last_day: field("last").value || null,
    demand: number(field("demand").value),
    price: number(field("price").value),
    lead_time_extra: number(field("late").value),
    filled_share: field("filled").value.trim() === "" ? null : number(field("filled").value) / 100,
    shape: signal.shape ?? null,
    source: signal.source || "planner",
  };
  for (const [name, value] of Object.entries(optional)) if (value !== null) data[name] = value;
  if (field("shut").checked) data.supplier_shut = true;
  const items = field("items").value.split("\n").map((name) => name.trim()).filter(Boolean);
  if (items.length) data.items = items;
  return data;
}

async function post(event, done) {
  await send("POST", "/api/events", event, "application/cloudevents+json");
  toast(done);
  return () => renew({ force: true }).catch(() => {});
}

function edit(signal) {
  const once = { id: newId(), time: eventTime() };
  const isNew = !signal;
  const shown = signal ?? { signal_id: newId() };
  show(isNew ? "Announce an event" : "Edit the event", "What is left empty is not told to the agent; it then goes by what such events did before.", isNew ? "Announce" : "Save", "fields");
  fill(shown);
  const type = shown.status === "running" ? "signal.started" : "signal.announced";
  openDialog(dialog, () => post(cloudEvent(type, read(shown), once), isNew ? "Announced." : "The event is changed."));
  field("label").focus();
}

function end(signal) {
  const once = { id: newId(), time: eventTime() };
  show("End the event", `${signal.label || signal.kind}: from the day after its last day on, the agent counts on normal demand again.`, "End it", "end");
  field("end").value = once.time.slice(0, 10);
  openDialog(dialog, () => post(cloudEvent("signal.ended", { signal_id: signal.signal_id, last_day: field("end").value }, once), "The event is ended."));
}

function withdraw(signal) {
  const once = { id: newId(), time: eventTime() };
  show("Withdraw the event?", `${signal.label || signal.kind} then counts as never to come. The agent remembers who told it.`, "Withdraw", "");
  openDialog(dialog, () => post(cloudEvent("signal.withdrawn", { signal_id: signal.signal_id }, once), "The event is withdrawn."));
}

function show(title, about, button, part) {
  field("title").textContent = title;
  field("about").textContent = about;
  field("go").textContent = button;
  field("fields").hidden = part !== "fields";
  field("end-row").hidden = part !== "end";
  // A field that is not seen must not keep the form from being sent.
  for (const input of field("fields").querySelectorAll("input, select, textarea")) input.disabled = part !== "fields";
}

export function startSignals() {
  if (!dialog) return;
  const deeds = { edit, end, withdraw };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.id === "announce-event") edit(null);
    const acts = button?.closest("[data-signal]");
    if (acts) deeds[button.dataset.act](JSON.parse(acts.dataset.signal));
  });
}
