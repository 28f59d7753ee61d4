// Clauses: a chip names one; hovering, tapping or Enter shows our wording of it and the rows that apply it.

import { byId, fill, h } from "./dom.js";
import { cap, t } from "./words.js";

let opener = null;
let timer = 0;
let pinned = false;

/** Make the chips of the rows that an answer rests on: one a clause. `source` holds the rows, clauses and readings. */
export function chips(source, keys) {
  const clauses = new Map();
  for (const key of keys ?? []) {
    for (const clause of source.rules[key]?.clauses ?? []) {
      clauses.set(clause, [...(clauses.get(clause) ?? []), key]);
    }
  }
  return chipsOf(source, [...clauses]);
}

/** Make chips of clauses without rows, for where the row itself is to be seen. */
export const plainChips = (source, clauses) => chipsOf(source, clauses.map((clause) => [clause, []]));

function chipsOf(source, clauses) {
  if (!clauses.length) return null;
  return h("span", { class: "chips" }, clauses.map(([clause, keys]) => {
    const show = (element, pin) => open(element, source, clause, keys, pin);
    return h("button", {
      type: "button", class: "chip", "aria-haspopup": "dialog", "aria-label": t("clause", { clause }),
      on: {
        click: (event) => show(event.currentTarget, true),
        mouseenter: (event) => { const element = event.currentTarget; later(() => pinned || show(element, false), 250); },
        mouseleave: () => later(() => pinned || close(), 250),
      },
    }, clause);
  }));
}

function later(work, wait) {
  clearTimeout(timer);
  timer = setTimeout(work, wait);
}

function open(element, source, clause, keys, pin) {
  const box = byId("clause");
  const wording = source.clauses[clause];
  const rules = keys.map((key) => source.rules[key]).filter(Boolean);
  const readings = [...new Set(rules.flatMap((rule) => rule.readings))].filter((name) => source.readings[name]);
  clearTimeout(timer);
  opener = element;
  pinned = pin;
  fill(box,
    h("div", { class: "title" }, h("h2", { id: "clause-title" }, t("clause", { clause })), wording?.place ? h("span", { class: "faint" }, wording.place) : null,
      h("button", { type: "button", class: "out", "aria-label": t("close"), on: { click: () => close(true) } }, "×")),
    wording ? h("p", { class: "wording" }, wording.text) : null,
    rules.length ? h("h3", {}, t(rules.length > 1 ? "rows" : "row")) : null,
    rules.map(row),
    readings.length ? h("h3", {}, t("readings")) : null,
    readings.map((name) => h("p", { class: "reading" }, source.readings[name])));
  box.hidden = false;
  place(box, element);
  if (pin) box.focus({ preventScroll: true });
}

function row(rule) {
  return h("article", { class: "row" },
    h("h4", {}, rule.table, h("code", {}, rule.rule)),
    h("p", { class: "when" }, rule.when.length ? [h("span", { class: "faint" }, t("when")), h("ul", {}, rule.when.map((one) => h("li", {}, cap(one))))] : t("always")),
    h("dl", {}, rule.says.map((one) => [h("dt", {}, cap(one.heading)), h("dd", {}, one.cell)])),
    h("p", { class: "faint" }, [rule.dates && cap(rule.dates), rule.layer && t("from_pack", { pack: rule.layer }), rule.place].filter(Boolean).join(" · ")));
}

/** Put the box beside its chip; on a narrow screen it stands at the bottom, by the style sheet. */
function place(box, element) {
  const at = element.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const below = at.bottom + size.height + 12 < innerHeight || at.top < size.height + 12;
  box.style.setProperty("--left", `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`);
  box.style.setProperty("--top", `${Math.max(8, Math.min(below ? at.bottom + 6 : at.top - size.height - 6, innerHeight - size.height - 8))}px`);
}

function close(back = false) {
  const box = byId("clause");
  if (box.hidden) return;
  box.hidden = true;
  pinned = false;
  if (back) opener?.focus({ preventScroll: true });
  opener = null;
}

/** Have the box close by Escape, by a press elsewhere, and stay while the pointer is on it. */
export function listenForClauses() {
  const box = byId("clause");
  document.addEventListener("keydown", (event) => event.key === "Escape" && close(pinned));
  document.addEventListener("pointerdown", (event) => {
    if (!box.contains(event.target) && !event.target.closest?.(".chip")) close();
  });
  box.addEventListener("mouseenter", () => clearTimeout(timer));
  box.addEventListener("mouseleave", () => later(() => pinned || close(), 250));
  // Only its cross can be reached in it: going on from there leads back to where it was opened.
  box.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && (event.shiftKey || event.target !== box)) {
      event.preventDefault();
      close(true);
    }
  });
  box.addEventListener("focusout", (event) => {
    if (pinned && event.relatedTarget && !box.contains(event.relatedTarget)) close();
  });
  addEventListener("scroll", () => pinned || close(), { passive: true });
}
