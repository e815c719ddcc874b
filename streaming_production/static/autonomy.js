// The limits of what the agent decides alone, and the switch that stops it.

import { openDialog, rememberedName, rememberName } from "./dialogs.js";
import { Refused, renew, send, toast } from "./server.js";

const dialog = document.getElementById("autonomy-dialog");
const field = (name) => document.getElementById(`autonomy-${name}`);
const limit = (text) => (text.trim() === "" ? null : Number(text));

function ask({ title, about, button, limits, switchTo, done }) {
  const now = { ...document.getElementById("limits").dataset };
  const isOn = document.getElementById("kill-switch").dataset.on === "true";
  field("title").textContent = title;
  field("about").textContent = about;
  field("limits").hidden = !limits;
  field("value").value = now.value;
  field("quantity").value = now.quantity;
  field("why").value = "";
  field("who").value = rememberedName();
  field("go").textContent = button;
  openDialog(dialog, async () => {
    const [who, why] = [field("who").value.trim(), field("why").value.trim()];
    if (!who || !why) throw new Refused("Say who wants it and why.");
    rememberName(who);
    await send("PUT", "/api/autonomy", {
      max_order_value: limit(limits ? field("value").value : now.value),
      max_order_quantity: limit(limits ? field("quantity").value : now.quantity),
      kill_switch: switchTo ?? isOn,
      who,
      why,
    });
    toast(done);
    return () => renew({ force: true }).catch(() => {});
  });
  field(limits ? "value" : "why").focus();
}

export function startAutonomy() {
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.id === "change-limits") {
      ask({ title: "Change the limits", about: "Orders above a limit wait for approval. An empty field means no limit.", button: "Save", limits: true, done: "The limits are changed." });
    } else if (button?.id === "kill-switch") {
      const isOn = button.dataset.on === "true";
      ask(isOn
        ? { title: "Let the agent order again?", about: "From its next decision on it orders by itself, within the limits. What waits now still waits for you.", button: "Let it order", switchTo: false, done: "The agent orders again." }
        : { title: "Stop all orders?", about: "Every order then waits for a person, until this is switched off again. Orders already sent are not called back.", button: "Stop all orders", switchTo: true, done: "All orders now wait for a person." });
    }
  });
}
