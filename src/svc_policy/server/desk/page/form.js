// The ticket as a form: the next question in large, what is known, and whatever else the policy reads.

import { choices, control, typed, unless, wrong } from "./fields.js";
import { fill, h, listen, unique } from "./dom.js";
import { valueAt, written } from "./ticket.js";
import { cap, of, t } from "./words.js";

let filter = "";
let open = false;
/** A question that was picked before its turn. */
let picked = null;

export function forgetForm() {
  filter = "";
  open = false;
  picked = null;
}

/** Show the form. `actions` are `set(path, value)`, `remove(field, number)`, `asOf(text)`. */
export function showForm(element, { form, facts, at, answer, problems, actions }) {
  const wrongAt = new Map(problems.map((problem) => [problem.field, problem]));
  const asked = (answer?.needs ?? [])
    .map((need) => ({ ...need, ...placed(form, facts, need.fact) }))
    .filter((one) => one.fact && (valueAt(facts, one.path) === undefined || wrongAt.has(written(one.path))));
  const context = { form, facts, actions, wrongAt, again: () => showForm(element, { form, facts, at, answer, problems, actions }) };
  const before = element.querySelector(".question")?.dataset.fact;
  const hadFocus = element.querySelector(".question")?.contains(document.activeElement);
  fill(element,
    question(context, asked, answer),
    known(context),
    others(context),
    asOf(context, at, answer));
  const now = element.querySelector(".question");
  if (hadFocus && before !== now?.dataset.fact) {
    (now?.querySelector("button, input, select") ?? element.querySelector(".known"))?.focus({ preventScroll: true });
  }
}

/** Focus the question, for whoever begins a ticket. */
export function focusQuestion(element) {
  element.querySelector(".question button, .question input, .question select")?.focus({ preventScroll: true });
}

/** Find the fact that is asked for, and where its value goes: in the first record of its list that lacks it. */
function placed(form, facts, name) {
  const [field, of_record] = name.split(".");
  if (of_record === undefined) {
    const fact = form.facts.find((one) => one.name === name);
    return { fact, path: fact?.own ? ["extra", name] : [name] };
  }
  const records = form.lists.find((one) => one.field === field);
  const fact = records?.facts.find((one) => one.name === of_record);
  const at = (facts[field] ?? []).findIndex((record) => record[of_record] === undefined);
  return { fact, path: [field, Math.max(at, 0), of_record], of: records };
}

function question({ facts, actions, wrongAt, again }, asked, answer) {
  // What was said since the last answer may have been all: only the service knows.
  if (!answer || (!asked.length && answer.needs.length)) return null;
  const one = asked.find((ask) => written(ask.path) === picked) ?? asked[0];
  if (!one) {
    return h("section", { class: "question done", "aria-label": t("ask_next") }, h("p", {}, t("nothing_to_ask")));
  }
  const { fact, path } = one;
  const id = unique("question");
  const problem = wrongAt.get(written(path));
  const answered = (value) => {
    if (value === undefined) return;
    picked = null;
    actions.set(path, value);
  };
  const words = choices(fact);
  const label = cap(of(fact.label)) + (one.of ? ` (${of(one.of.one)} ${path[1] + 1})` : "");
  let body;
  if (words) {
    body = h("div", { class: "choices", role: "group", "aria-labelledby": id, on: { keydown: byNumber } },
      words.map((word, index) => h("button", {
        type: "button", "data-key": `choice-${written(path)}-${index}`, on: { click: () => answered(word.value) },
      }, h("kbd", { "aria-hidden": "true" }, String(index + 1)), word.label)));
  } else {
    const input = control(fact, valueAt(facts, path), { id: `${id}-input`, key: `question-${written(path)}`, change: () => {}, problem });
    const field = input.querySelector("input");
    field.setAttribute("aria-labelledby", id);
    const submit = (event) => {
      event.preventDefault();
      answered(typed(fact, event.currentTarget.querySelector("input").value));
    };
    body = h("form", { on: { submit } }, input, h("button", { type: "submit", class: "main" }, "OK"));
    // Who goes on elsewhere has answered as well.
    listen(field, {
      blur: ({ currentTarget: left, relatedTarget }) => {
        if (left.isConnected && relatedTarget && left.value) answered(typed(fact, left.value));
      },
    });
  }
  const rest = asked.filter((ask) => ask !== one);
  return h("section", { class: "question", "aria-label": t("ask_next"), data: { fact: written(path) } },
    h("p", { class: "small" }, t("ask_next")),
    h("h2", { id }, label),
    body,
    wrong(`${id}-input`, problem),
    rest.length ? h("p", { class: "then" }, t("then_ask", { facts: "" }), rest.map((ask) => h("button", {
      type: "button", class: "link", on: { click: () => { picked = written(ask.path); again(); focusQuestion(document); } },
    }, cap(ask.label)))) : null);
}

/** Choose by the digit that stands on the choice. */
function byNumber(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const button = event.currentTarget.querySelectorAll("button")[Number(event.key) - 1];
  if (button && /^[1-9]$/.test(event.key)) {
    event.preventDefault();
    button.click();
  }
}

function known(context) {
  const { form, facts, actions } = context;
  const rows = form.facts
    .map((fact) => ({ fact, path: fact.own ? ["extra", fact.name] : [fact.name] }))
    .filter(({ path }) => valueAt(facts, path) !== undefined)
    .map(({ fact, path }) => row(context, fact, path, true));
  const records = form.lists.flatMap((records) => (facts[records.field] ?? []).map((_, number) => {
    const name = `${cap(of(records.one))} ${number + 1}`;
    return h("fieldset", { class: "record" }, h("legend", {}, name),
      h("button", {
        type: "button", class: "out", "aria-label": t("remove_record", { record: name }),
        on: { click: () => actions.remove(records.field, number) },
      }, "×"),
      records.facts.map((fact) => row(context, fact, [records.field, number, fact.name], false)));
  }));
  return h("section", { class: "known", "aria-label": t("stated"), tabindex: "-1" }, h("h2", {}, t("stated")),
    rows.length || records.length ? [h("div", { class: "facts" }, rows), records] : h("p", { class: "faint" }, t("nothing_stated")));
}

function row({ facts, actions, wrongAt }, fact, path, removable) {
  const name = written(path);
  const id = `fact-${name}`;
  const problem = wrongAt.get(name) ?? wrongAt.get(fact.own ? fact.name : name);
  const label = cap(of(fact.label));
  return h("div", { class: `fact ${fact.kind}${problem ? " bad" : ""}`, data: { fact: name } },
    h("label", { for: id }, label, removable ? null : h("small", {}, unless(fact))),
    control(fact, valueAt(facts, path), { id, key: id, change: (value) => actions.set(path, value), problem }),
    removable ? h("button", {
      type: "button", class: "out", "aria-label": t("take_out", { fact: label }), on: { click: () => actions.set(path, undefined) },
    }, "×") : null,
    wrong(id, problem));
}

/** Whatever else the policy reads, to be found by its name. */
function others(context) {
  const { form, facts, actions, again } = context;
  const left = form.facts.filter((fact) => valueAt(facts, fact.own ? ["extra", fact.name] : [fact.name]) === undefined);
  const found = left.filter((fact) => !filter
    || [fact.label.en, fact.label.zh, fact.name].some((text) => text.toLowerCase().includes(filter.toLowerCase())));
  const search = h("input", {
    type: "search", "data-key": "filter", "aria-label": t("find_fact"), placeholder: t("find_fact"), value: filter,
    on: { input: (event) => { filter = event.currentTarget.value; again(); } },
  });
  return h("details", { class: "others", open, on: { toggle: (event) => { open = event.currentTarget.open; } } },
    h("summary", {}, t("add_fact")),
    h("p", { class: "records" }, form.lists.map((records) => h("button", {
      type: "button",
      on: { click: () => actions.set([records.field, (facts[records.field] ?? []).length], {}) },
    }, t("add_record", { record: of(records.one) })))),
    search,
    found.length ? h("ul", {}, found.map((fact) => h("li", {}, addition(context, fact)))) : h("p", { class: "faint" }, t("no_fact")));
}

function addition({ actions, wrongAt }, fact) {
  const path = fact.own ? ["extra", fact.name] : [fact.name];
  const id = `add-${written(path)}`;
  const problem = wrongAt.get(written(path));
  return [h("label", { for: id }, cap(of(fact.label)), h("small", {}, unless(fact))),
    control(fact, undefined, { id, key: id, change: (value) => value !== undefined && actions.set(path, value), problem })];
}

function asOf({ actions }, at, answer) {
  const id = "as-of";
  const own = h("input", {
    type: "datetime-local", id: `${id}-own`, "data-key": `${id}-own`, "aria-label": t("as_of_fixed"), value: at, max: "9999-12-30T23:59",
    step: /:\d\d:\d\d$/.test(at) && !at.endsWith(":00") ? "1" : null,
    on: { change: ({ currentTarget: { value } }) => !value.startsWith("0") && actions.asOf(value) },
  });
  const select = h("select", { id, "data-key": id, on: { change: () => actions.asOf(select.selectedIndex ? answer?.at.local.slice(0, 16) ?? "" : "") } },
    h("option", { selected: !at }, t("as_of_now")),
    h("option", { selected: Boolean(at) }, t("as_of_fixed")));
  return h("section", { class: "as-of" }, h("label", { for: id }, t("as_of")), select, at ? own : null,
    answer ? h("p", { class: "faint" }, t("as_of_at", { instant: answer.at.text, zone: answer.zone })) : null);
}

