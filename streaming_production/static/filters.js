// Filters that take effect as they are chosen; without scripts their button does it.

import { renew } from "./server.js";

const PAUSE = 350; // milliseconds after the last key

export function startFilters() {
  for (const form of document.querySelectorAll("form[data-auto]")) {
    let timer = 0;
    const go = () => {
      clearTimeout(timer);
      const filled = [...new FormData(form)].filter(([, value]) => value !== "");
      const query = new URLSearchParams(filled).toString();
      if (`?${query}` === location.search) return;
      history.replaceState(null, "", query ? `?${query}` : location.pathname);
      renew({ force: true }).catch(() => {});
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(go, PAUSE);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go();
    });
  }
}
