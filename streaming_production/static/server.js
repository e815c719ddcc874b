// Talks to the dashboard: renews the page's live parts, and sends actions with the session's secret.

import { morph, withoutHold } from "./morph.js";
import { writeTimes } from "./words.js";

const LEAST_GAP = 800; // milliseconds between two renewals
const SLOWED = 4; // a renewal that took long is followed by a pause so many times as long
const PATIENCE = 10000; // milliseconds for one answer

const secret = document.querySelector('meta[name="csrf-token"]');
let running = null;
let again = false;
let nextAt = 0;

export class Refused extends Error {}

// Fetch the live parts of this page and put them in place; those who ask meanwhile get one more.
export function renew({ force = false } = {}) {
  if (running) {
    again = true;
    return force ? running.catch(() => {}).then(() => renew({ force })) : running;
  }
  running = (async () => {
    const wait = force ? 0 : nextAt - Date.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    again = false;
    const began = Date.now();
    try {
      await fetchParts(force);
    } finally {
      nextAt = Date.now() + Math.max(LEAST_GAP, SLOWED * (Date.now() - began));
      running = null;
    }
  })();
  return running.finally(() => { if (again) renew().catch(() => {}); });
}

async function fetchParts(force) {
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, signal: AbortSignal.timeout(PATIENCE) });
  if (answer.redirected || answer.status === 401) {
    location.reload(); // the session is over
    return;
  }
  if (answer.status >= 500) throw new Refused("the agent does not answer");
  secret.content = answer.headers.get("X-CSRF-Token") ?? secret.content;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  writeTimes(fresh);
  const put = () => {
    for (const part of [...fresh.children]) {
      const old = document.getElementById(part.id);
      if (old) morph(old, document.adoptNode(part));
    }
  };
  if (force) withoutHold(put);
  else put();
  document.dispatchEvent(new Event("renewed"));
}

// Send one action; throws Refused with words for a person where it is not taken.
export async function send(method, path, body, type = "application/json") {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "Content-Type": type, "X-CSRF-Token": secret.content },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Refused("No answer. It is not known whether it was done: look before you try again.");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (content.type === "urn:inventory:csrf") await renew({ force: true }).catch(() => {});
  const details = (content.errors ?? []).map((error) => `${error.pointer}: ${error.message}`);
  throw new Refused([content.detail ?? content.title ?? `Error ${answer.status}`, ...details].join("; "));
}

export function toast(words, bad = false) {
  const box = document.getElementById("toasts");
  const message = document.createElement("div");
  message.className = bad ? "toast bad" : "toast";
  message.textContent = `${bad ? "▲" : "✓"} ${words}`;
  box.append(message);
  setTimeout(() => message.remove(), bad ? 12000 : 6000);
}
