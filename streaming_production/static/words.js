// How figures and times are written: as the server writes them, times in the reader's own zone.
// The page is in English throughout, the agent's sentences too, so that 1,200 is one figure.

const NONE = "–";
const LANGUAGE = "en-US";
const WHOLE = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const TENTH = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const CENTS = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const currency = document.querySelector('meta[name="currency"]')?.content ?? "$";

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const minus = (text) => text.replace("-", "−").replace(/^−0$/, "0");

export const whole = (value) => (known(value) ? minus(WHOLE.format(value)) : NONE);
export const units = (value) => `${whole(value)} ${Math.round(value) === 1 ? "unit" : "units"}`;
export const tenth = (value) => (known(value) ? minus(TENTH.format(value)) : NONE);
export const day = (value) => (value ? DAY.format(new Date(`${value.slice(0, 10)}T00:00:00Z`)) : NONE);
export const clock = (date) => CLOCK.format(date);

// What is not all of it never reads "100 %".
export function percent(share) {
  if (!known(share)) return NONE;
  if (share === 0 || share === 1) return `${100 * share} %`;
  return `${TENTH.format(share > 0 && share < 1 ? Math.min(Math.max(100 * share, 0.1), 99.9) : 100 * share)} %`;
}

export function money(value) {
  if (!known(value)) return NONE;
  const small = value !== 0 && Math.abs(value) < 100; // then cents count
  const text = small ? minus(CENTS.format(value)) : whole(value);
  if ([...currency].length !== 1) return `${text} ${currency}`;
  return text.startsWith("−") ? `−${currency}${text.slice(1)}` : currency + text;
}

export function ago(date, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - date.getTime()) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} days ago`;
}

// Write the times of a part of the page in the reader's zone.
export function writeTimes(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[data-clock]")) {
    const date = new Date(time.dateTime);
    time.textContent = date.toDateString() === today ? clock(date) : `${DATE.format(date)} ${clock(date).slice(0, 5)}`;
    time.title = time.dateTime;
  }
  for (const time of root.querySelectorAll("time[data-ago]")) {
    time.textContent = ago(new Date(time.dateTime));
    time.title = time.dateTime;
  }
}

export function startClock() {
  writeTimes(document);
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      time.textContent = ago(new Date(time.dateTime));
    }
  }, 1000);
}
