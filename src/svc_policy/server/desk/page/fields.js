// The controls of facts, by their kind. A value is what the ticket's JSON holds; what is typed goes to the service as it is.

import { h, unique } from "./dom.js";
import { cap, of, t } from "./words.js";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** List the words that a fact can be: its values, or yes and no; null where it is open. */
export function choices(fact) {
  if (fact.kind === "bool") return [{ value: true, label: t("yes") }, { value: false, label: t("no") }];
  return fact.values ? fact.values.map((one) => ({ value: one.value, label: cap(of(one.label)) })) : null;
}

/** Name the unit of a fact in the language of the page. */
function unit(fact) {
  return fact.unit === undefined ? "" : of(fact.unit);
}

/** Say what a fact is unless it is stated; nothing where that is not known. */
export function unless(fact) {
  if (fact.default === undefined) return "";
  const word = choices(fact)?.find((one) => one.value === fact.default)?.label ?? `${fact.default}`;
  return t("default", { value: `${word} ${unit(fact)}`.trim() });
}

/**
 * Read what was typed as the value of a fact; undefined where nothing was.
 * It is `facts/typed.py` once more, for a page that is not to ask the service at each key: one table of cases tests both.
 */
export function typed(fact, text) {
  const given = text.trim();
  if (given === "") return undefined;
  if (fact.unit === undefined) return given;
  const plain = given.replace(/[！-～]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)).trim();
  if (!/^-?\d{1,15}(\.\d{1,9})?$/.test(plain)) return given;
  if (fact.kind === "count") return plain.includes(".") ? given : Number(plain);
  return fact.kind === "share" ? `${plain} %` : plain;
}

/** Make the control of a fact: a choice, or an input with its unit. `change` is told each value. */
export function control(fact, value, { id, key, change, problem }) {
  const described = problem ? `${id}-problem` : null;
  const common = { id, "data-key": key, "aria-invalid": problem ? "true" : null, "aria-describedby": described };
  const words = choices(fact);
  if (words) {
    const select = h("select", { ...common, on: { change: () => change(words[select.selectedIndex - 1]?.value) } },
      h("option", { value: "" }, t(value === undefined ? "choose" : "unknown")),
      words.map((one) => h("option", { value: String(one.value), selected: one.value === value }, one.label)));
    if (value !== undefined && !words.some((one) => one.value === value)) {
      select.prepend(h("option", { selected: true, disabled: true }, String(value)));
    }
    return select;
  }
  return entry(fact, value, common, change);
}

function entry(fact, value, common, change) {
  const text = value === undefined || value === null ? "" : String(value);
  const numbers = fact.unit !== undefined;
  let type = "text";
  if (fact.kind === "date" && (text === "" || DAY.test(text))) type = "date";
  if (fact.kind === "instant" && (text === "" || INSTANT.test(text))) type = "datetime-local";
  const known = fact.words?.length ? unique("words") : null;
  const input = h("input", {
    ...common,
    type,
    list: known,
    inputmode: numbers ? "decimal" : null,
    autocomplete: "off",
    spellcheck: "false",
    title: fact.high === undefined ? null : `${fact.low}–${fact.high} ${unit(fact)}`.trim(),
    step: type === "datetime-local" && /:\d\d:\d\d$/.test(text) && !text.endsWith(":00") ? "1" : null,
    value: fact.kind === "share" ? text.replace(/ ?%$/, "") : text,
    max: type === "date" ? "9999-12-31" : type === "datetime-local" ? "9999-12-30T23:59" : null,
    // While a year is typed it is that of an emperor: such a date is not whole yet.
    on: { change: ({ currentTarget: { value: now } }) => (type === "text" || !now.startsWith("0")) && change(typed(fact, now)) },
  });
  return h("span", { class: numbers ? "entry measured" : "entry" }, input,
    unit(fact) ? h("span", { class: "unit", "aria-hidden": "true" }, unit(fact)) : null,
    known ? h("datalist", { id: known }, fact.words.map((one) => h("option", { value: one.value }, of(one.label)))) : null);
}

/** Make the line under a control that says what is wrong with it. */
export function wrong(id, problem) {
  if (!problem) return null;
  return h("p", { class: "wrong", id: `${id}-problem` }, cap(of(problem.message)), problem.help ? h("span", {}, of(problem.help)) : null);
}
