// Decisions taken in place: approve, order another quantity, reject, and decide now.

import { openDialog, rememberedName, rememberName } from "./dialogs.js";
import { Refused, renew, send, toast } from "./server.js";
import { money, units, whole } from "./words.js";

const dialog = document.getElementById("decision-dialog");
const field = (name) => document.getElementById(`decision-${name}`);
const VERBS = {
  approve: { title: "Approve the order", button: "Approve" },
  override: { title: "Order another quantity", button: "Order" },
  reject: { title: "Reject the order", button: "Reject" },
};

const path = (id, verb = "") => `/api/decisions/${encodeURIComponent(id)}${verb && `/${verb}`}`;

async function answer(acts, verb, { who, why, quantity }) {
  const body = { who };
  if (why) body.why = why;
  if (verb === "override") body.quantity = quantity;
  const decision = await send("POST", path(acts.decision, verb), body);
  const done = verb === "reject" ? "Rejected the order of" : `Ordered ${whole(decision.quantity)} of`;
  toast(`${done} ${acts.title}.`);
  return showAfter;
}

async function showAfter() {
  await renew({ force: true }).catch(() => {});
  focusNext();
}

// The row that had the focus is gone: go on with the next one.
function focusNext() {
  if (document.activeElement && document.activeElement !== document.body) return;
  const next = document.querySelector('.acts [data-act="approve"]') ?? document.getElementById("theme");
  next.focus({ preventScroll: true });
}

function ask(acts, verb) {
  const { title, button } = VERBS[verb];
  const proposed = Number(acts.quantity);
  field("title").textContent = title;
  const value = acts.value ? `, ${money(Number(acts.value))}` : "";
  field("about").textContent = `${acts.title}: the agent proposes ${units(proposed)}${value}.`;
  field("quantity-row").hidden = verb !== "override";
  field("quantity").value = String(proposed);
  field("quantity").required = verb === "override";
  field("why-row").hidden = verb === "approve";
  field("why").value = "";
  field("why").required = verb !== "approve";
  field("who").value = rememberedName();
  field("who").required = true;
  field("go").textContent = button;
  if (verb === "override") tellLimits(acts);
  openDialog(dialog, async () => {
    const who = field("who").value.trim();
    const why = field("why").value.trim();
    if (!who) throw new Refused("Say who decides.");
    if (verb !== "approve" && !why) throw new Refused("Say why.");
    rememberName(who);
    return answer(acts, verb, { who, why, quantity: Number(field("quantity").value) });
  });
  const first = verb === "override" ? "quantity" : verb === "reject" ? "why" : "who";
  field(first).focus();
  if (first === "quantity") field(first).select();
}

async function tellLimits(acts) {
  const told = await fetch(path(acts.decision)).then((found) => (found.ok ? found.json() : null), () => null);
  if (!told?.accepted || field("quantity-row").hidden) return;
  const { moq, pack_size: pack, max_order: most } = told.accepted;
  const limits = [];
  if (pack > 1) limits.push(`in packs of ${whole(pack)}`);
  if (moq > 0) limits.push(`at least ${whole(moq)}`);
  if (most !== null) limits.push(`at most ${whole(most)}`);
  if (limits.length) field("about").textContent += ` It can be ordered ${limits.join(", ")}.`;
}

async function act(button) {
  const acts = { ...button.closest(".acts").dataset };
  const verb = button.dataset.act;
  const who = rememberedName();
  if (verb !== "approve" || !who) {
    ask(acts, verb);
    return;
  }
  await pressed(button, async () => (await answer(acts, verb, { who }))());
}

// Run what a button does once, however often it is pressed, and say where it is refused.
async function pressed(button, work) {
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, true);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export function startActions() {
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.closest(".acts[data-decision]")) act(button);
    if (button?.id === "decide-now") {
      pressed(button, async () => {
        const decision = await send("POST", "/api/decisions", { unique_id: document.getElementById("main").dataset.item });
        const waits = decision.status === "waiting" ? ", and waits for you" : "";
        toast(`Decided: ${decision.proposed_quantity ? `order ${units(decision.proposed_quantity)}${waits}` : "no order"}.`);
        await renew({ force: true }).catch(() => {});
      });
    }
  });
}
