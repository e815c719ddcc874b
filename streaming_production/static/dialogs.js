// What the dialogs share: opening, closing, one sending at a time, and the name of who decides.

import { Refused } from "./server.js";

let name = "";

export function rememberedName() {
  try {
    return localStorage.getItem("who") ?? name;
  } catch {
    return name; // storage may be forbidden; then a name lasts as long as the page
  }
}

export function rememberName(who) {
  name = who;
  try {
    localStorage.setItem("who", who);
  } catch {
    // Kept in this page alone.
  }
}

// Open a dialog whose main button runs `act`; it stays open, and says why, where that is refused.
// What `act` returns is run once the dialog is closed.
export function openDialog(dialog, act) {
  const wrong = dialog.querySelector(".wrong");
  const go = dialog.querySelector("button.main");
  wrong.hidden = true;
  go.disabled = false;
  dialog.querySelector("[data-close]").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    wrong.hidden = true;
    try {
      const then = await act();
      dialog.close();
      await then?.();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      wrong.textContent = error.message;
      wrong.hidden = false;
    } finally {
      go.disabled = false;
    }
  };
  dialog.showModal();
}
