// The line of time: where targets begin and fall due, now, and the working hours. Instants are placed, not computed.

import { h } from "./dom.js";
import { t } from "./words.js";

/** Make the scale above the targets. */
export function scale(line) {
  const days = line.marks.filter((mark) => mark.is_day).length;
  return h("div", { class: days > 1 ? "scale of-days" : "scale", "aria-hidden": "true" },
    line.marks.map((mark) => at(h("span", { class: mark.is_day ? "mark day" : "mark" }, mark.text), line, mark.at)),
    inside(line, line.now) ? at(h("span", { class: "now" }, t(line.isFixed ? "as_of" : "now")), line, line.now) : null);
}

/** Make the track of one target; nothing where it has not begun. */
export function track(line, target) {
  if (target.start === null || (target.due === null && target.end === null)) return null;
  const last = Math.max(target.due ?? target.start, target.start);
  const bar = h("span", { class: `bar ${target.tone}${target.is_held ? " held" : ""}${last > line.until ? " beyond" : ""}` });
  bar.style.left = share(line, target.start);
  bar.style.width = `calc(${share(line, last)} - ${share(line, target.start)})`;
  return h("div", { class: "track", "aria-hidden": "true" },
    line.open.map(([from, until]) => {
      const hours = h("span", { class: "open" });
      hours.style.left = share(line, from);
      hours.style.width = `calc(${share(line, until)} - ${share(line, from)})`;
      return hours;
    }),
    line.marks.filter((mark) => mark.is_day).map((mark) => at(h("span", { class: "midnight" }), line, mark.at)),
    bar,
    target.due !== null && inside(line, target.due) ? at(h("span", { class: `due ${target.tone}` }), line, target.due) : null,
    target.end !== null && inside(line, target.end) ? at(h("span", { class: `end ${target.tone}` }), line, target.end) : null,
    inside(line, line.now) ? at(h("span", { class: "now" }), line, line.now) : null);
}

function inside(line, instant) {
  return line.from <= instant && instant <= line.until;
}

function share(line, instant) {
  const part = (instant - line.from) / (line.until - line.from);
  return `${(Math.max(0, Math.min(1, part)) * 100).toFixed(3)}%`;
}

function at(element, line, instant) {
  const place = share(line, instant);
  element.style.left = place;
  // What is written at either end stays inside.
  if (element.textContent) element.classList.toggle("last", parseFloat(place) > 95);
  if (element.textContent) element.classList.toggle("first", parseFloat(place) < 4);
  return element;
}
