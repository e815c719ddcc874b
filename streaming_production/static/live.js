// Keeps the page live: one stream of changes, polling where there is no place on it, and a banner
// that says since when the figures are stale.

import { renew } from "./server.js";
import { clock } from "./words.js";

const SILENCE = 4500; // milliseconds without a sign of life (they come every two seconds)
const RETRY = 1000;
const POLL = 5000;
const STREAM_AGAIN = 60000; // until a page that polls asks for a place again
const LOOK = 15000; // what changes without an event, such as the worker's health

const banner = document.getElementById("stale");
const bannerWords = document.getElementById("stale-words");
const pulse = document.getElementById("pulse");
let source = null;
let lastId = "";
let heard = Date.now(); // last sign of life of the dashboard
let agent = { reachable: true, since: null };
let mode = "live"; // live, away or polling
let retryTimer = 0;
let pollTimer = 0;

function show() {
  const stale = mode === "away" || !agent.reachable;
  const who = mode === "away" ? "The dashboard" : "The agent";
  const since = mode === "away" ? new Date(heard) : agent.since;
  const words = `${who} does not answer. ${since ? `Stale since ${clock(since)}. ` : ""}What you see is kept; it renews itself.`;
  if (stale && bannerWords.textContent !== words) bannerWords.textContent = words;
  banner.hidden = !stale;
  const state = document.getElementById("link-state");
  if (!state) return;
  const name = stale ? "away" : mode;
  state.dataset.state = name;
  state.querySelector(".words").textContent = { live: "Live", polling: "Polling", away: "Stale" }[name];
  state.querySelector("[aria-hidden]").textContent = { live: "●", polling: "◌", away: "▲" }[name];
}

function setMode(next) {
  if (mode === "away" && next !== "away") renewQuietly();
  mode = next;
  show();
}

async function renewQuietly() {
  try {
    await renew();
  } catch {
    // The stream, or the next poll, tells who is away.
  }
}

function concerns(change) {
  const main = document.getElementById("main");
  if (main.hasAttribute("data-still")) return false;
  return !main.dataset.item || !change.unique_id || change.unique_id === main.dataset.item;
}

function hear(event) {
  heard = Date.now();
  if (event.lastEventId) lastId = event.lastEventId;
  if (mode !== "live") setMode("live");
}

function open() {
  close();
  let opened = false;
  source = new EventSource(lastId ? `/stream?last_event_id=${encodeURIComponent(lastId)}` : "/stream");
  source.addEventListener("open", (event) => { opened = true; hear(event); });
  source.addEventListener("beat", hear);
  source.addEventListener("agent", (event) => {
    hear(event);
    const told = JSON.parse(event.data);
    const back = told.reachable && !agent.reachable;
    agent = { reachable: told.reachable, since: told.last_contact ? new Date(told.last_contact) : null };
    show();
    if (back) renewQuietly();
  });
  source.addEventListener("change", (event) => {
    hear(event);
    const change = JSON.parse(event.data);
    if (concerns(change)) renewQuietly();
  });
  source.addEventListener("refresh", (event) => { hear(event); renewQuietly(); });
  source.addEventListener("error", () => lose(opened));
}

function close() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
}

// A stream that never opened was refused for want of a place, or the dashboard is away.
async function lose(opened) {
  close();
  if (!opened && (await answers())) {
    if (mode !== "polling") {
      setMode("polling");
      poll();
    }
    retryTimer = setTimeout(open, STREAM_AGAIN);
    return;
  }
  retryTimer = setTimeout(open, RETRY);
}

async function answers() {
  try {
    const answer = await fetch("/api/health", { signal: AbortSignal.timeout(3000) });
    const health = await answer.json();
    agent = { reachable: health.agent_reachable, since: health.agent_last_contact ? new Date(health.agent_last_contact) : null };
    heard = Date.now();
    return answer.ok;
  } catch {
    return false;
  }
}

async function poll() {
  clearTimeout(pollTimer);
  if (mode !== "polling" || document.hidden) return;
  if (await answers()) await renewQuietly();
  show();
  pollTimer = setTimeout(poll, POLL);
}

function watch() {
  if (document.hidden) return;
  if (mode === "live" && Date.now() - heard > SILENCE) {
    setMode("away");
    retryTimer = setTimeout(open, RETRY);
  }
  pulse.textContent = mode === "live" && agent.reachable ? "" : `Last sign of life at ${clock(new Date(heard))}.`;
}

function tellWaiting() {
  const main = document.getElementById("main");
  const waiting = Number(main.dataset.waiting ?? 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${main.dataset.title ?? "Inventory"} · Inventory`;
  const words = main.dataset.announce;
  const announce = document.getElementById("announce");
  if (words && announce.textContent !== words) announce.textContent = words;
  show();
}

export function startLive() {
  open();
  tellWaiting();
  setInterval(watch, 500);
  setInterval(() => { if (!document.hidden && mode === "live" && agent.reachable) renewQuietly(); }, LOOK);
  document.addEventListener("renewed", tellWaiting);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close(); // a browser allows six streams a host; a page that nobody sees needs none
    } else {
      heard = Date.now();
      open();
      renewQuietly();
      if (mode === "polling") poll();
    }
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => { if (event.persisted) open(); });
}
