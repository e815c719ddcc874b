// Changes one tree of elements into another in place, so that focus, scroll, open details and what
// somebody is typing survive a renewal. Children are matched by `data-key` or id, else by order.

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key ?? node.id ?? "" : "");

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function morphAttributes(old, fresh) {
  const keepsOpen = old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(keepsOpen && name === "open")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function mark(element) {
  element?.closest("td, dd, .value, .need, tr, .feed li")?.classList.add("changed");
}

function morphChildren(old, fresh, marks) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    let match = key ? keyed.get(key) : place;
    if (!key) while (match && keyOf(match)) match = match.nextSibling;
    if (match && alike(match, wanted)) {
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      morph(match, wanted, marks);
    } else {
      old.insertBefore(wanted, place);
      if (marks && wanted.nodeType === Node.ELEMENT_NODE) mark(wanted);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// `marks` says whether what changed is shown for a moment.
export function morph(old, fresh, marks = true) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) {
      old.nodeValue = fresh.nodeValue;
      if (marks && !old.parentElement?.closest("script, time")) mark(old.parentElement);
    }
    return;
  }
  if (old.isEqualNode(fresh) || old.hasAttribute("data-keep") || isHeld(old)) return;
  morphAttributes(old, fresh);
  morphChildren(old, fresh, marks);
}

// A list does not move under a hand that is about to press one of its buttons.
const HELD = 8000; // milliseconds since the last sign of that hand
let lastInput = 0;
for (const kind of ["pointermove", "pointerdown", "keydown"]) {
  document.addEventListener(kind, () => { lastInput = Date.now(); }, { passive: true });
}
let held = true;
export function withoutHold(work) {
  held = false;
  try {
    work();
  } finally {
    held = true;
  }
}
function isHeld(element) {
  if (!held || !element.classList.contains("needs") || Date.now() - lastInput > HELD) return false;
  return element.querySelector(".acts:hover, .acts:focus-within") !== null;
}
