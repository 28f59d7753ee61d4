// The answer: in large what the caller wants to know, then times, the quote, what follows, and why.

import { chips } from "./clauses.js";
import { fill, h } from "./dom.js";
import { scale, track } from "./timeline.js";
import { cap, list, t } from "./words.js";

const opened = new Set();

/** Show the answer in large. */
export function showVerdict(element, answer) {
  const { category, coverage, remedies, cost, due } = answer.verdict;
  fill(element,
    category && cell("category", t("category"), category.name ?? "?", category.meaning, chips(answer, category.rules), category.name ? "settled" : "open"),
    coverage && cell("coverage", t("coverage"), coverage.text, coverage.detail, chips(answer, coverage.rules), coverage.state),
    remedies && cell("remedies", t("remedies"), remedies.text, "", chips(answer, remedies.rules), remedies.state),
    cost && cell("cost", cost.payer ? t("cost_other", { payer: cost.payer }) : t("cost"), cost.text, "", null, cost.state),
    due && cell("due", t("due"), due.label, list([due.due_text, due.left].filter(Boolean)), null, due.tone),
    !category && !coverage && !remedies && !cost && !due && cell("needs", t("ask_next"), answer.needs[0]?.label ?? t("nothing_to_ask"), "", null, "open"));
}

function cell(name, label, value, detail, marks, state) {
  return h("div", { class: `cell ${name} ${state}` },
    h("p", { class: "small" }, label),
    h("p", { class: "value" }, cap(value)),
    detail ? h("p", { class: "detail" }, cap(detail)) : null,
    marks);
}

/** Show everything behind it. */
export function showAnswer(element, answer) {
  const sections = new Map(answer.sections.map((section) => [section.id, section]));
  const matters = answer.sections.filter((section) => section.group === "matter");
  const more = answer.sections.filter((section) => section.group === "more");
  const said = ["standing", "coverage", "remedies", "category"].map((id) => sections.get(id)).filter(Boolean);
  fill(element,
    targets(answer, sections.get("targets")),
    answer.quote && quote(answer, sections.get("quote")),
    ["materials", "settlement"].map((id) => sections.get(id)).filter(Boolean).map((section) => card(section.heading, sentences(answer, section))),
    matters.length ? card(t("matters"), matters.map((section) => part(answer, section))) : null,
    said.length ? card(t("in_words"), said.map((section) => part(answer, section))) : null,
    more.length ? folded("more", t("more"), more.map((section) => part(answer, section)), "card") : null,
    h("p", { class: "faint next" }, answer.next_change ? t("next_change", { instant: answer.next_change.text }) : t("no_change")));
}

function card(heading, ...content) {
  return h("section", { class: "card" }, h("h2", {}, cap(heading)), content);
}

function part(answer, section) {
  return h("div", { class: "part" }, h("h3", {}, section.heading), sentences(answer, section));
}

function sentences(answer, section) {
  return h("ul", { class: "sentences" }, section.sentences.map((one) => h("li", {}, one.text, " ", chips(answer, one.rules))));
}

function folded(name, heading, content, kind = "") {
  return h("details", {
    class: `folded ${kind}`, open: opened.has(name),
    on: { toggle: (event) => (event.currentTarget.open ? opened.add(name) : opened.delete(name)) },
  }, h("summary", { "data-key": `folded-${name}` }, heading), content);
}

function targets(answer, section) {
  if (!answer.targets.length) return null;
  const line = answer.timeline;
  const running = answer.targets.filter((target) => target.start !== null && target.status !== "undetermined");
  const waiting = answer.targets.filter((target) => !running.includes(target));
  return card(t("targets"),
    line ? h("div", { class: "line", role: "group", "aria-label": t("timeline", { zone: answer.zone }) },
      scale(line),
      h("ol", { class: "targets" }, running.map((target) => h("li", { class: "target" }, head(answer, target), track(line, target)))),
      line.open.length ? h("p", { class: "legend faint", "aria-hidden": "true" }, h("span", { class: "sample open" }), t("working_hours")) : null)
      : null,
    waiting.length ? h("ul", { class: "queue" }, waiting.map((target) => h("li", {}, head(answer, target)))) : null,
    section ? folded("targets", t("in_words"), sentences(answer, section)) : null);
}

function head(answer, target) {
  const when = target.end_text || target.due_text;
  return h("div", { class: "head" },
    h("div", { class: "what" }, h("strong", {}, cap(target.label)), " ", h("span", { class: `status ${target.tone}` }, target.status_text)),
    when ? h("div", { class: "instant" }, when) : null,
    h("div", { class: "faint" }, cap(list([target.left, target.allowance, target.owner, target.needs && t("ask_for", { facts: target.needs })].filter(Boolean))), " ", chips(answer, target.rules)));
}

function quote(answer, section) {
  const { lines, sums, payer, notes, confirmations } = answer.quote;
  return card(t("quote"),
    h("table", { class: "quote" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("line")), h("th", { scope: "col" }, h("span", { class: "hidden" }, t("clauses"))), h("th", { scope: "col", class: "amount" }, t("amount")))),
      h("tbody", {}, lines.map((line) => h("tr", { class: line.is_open ? "open" : null },
        h("th", { scope: "row" }, cap(line.label)), h("td", {}, chips(answer, line.rules)), h("td", { class: "amount" }, line.amount)))),
      h("tfoot", {}, sums.map((sum, index) => h("tr", { class: index === sums.length - 1 ? "total" : null },
        h("th", { scope: "row", colspan: "2" }, cap(sum.label)), h("td", { class: "amount" }, sum.amount))))),
    payer ? h("p", {}, t("paid_by", { payer })) : null,
    confirmations.map((one) => h("p", { class: one.is_open ? "confirm" : null }, cap(one.text), " ", chips(answer, one.rules))),
    notes.map((note) => h("p", { class: "faint" }, cap(note))),
    section ? folded("quote", t("in_words"), sentences(answer, section)) : null);
}
