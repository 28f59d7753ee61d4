// The second tab: what one step over each boundary would change, what the coming time changes, and every table.

import { chips, plainChips } from "./clauses.js";
import { fill, h } from "./dom.js";
import { cap, list, t } from "./words.js";

const whole = new Set();

/** Show the tab. Either part may still be on its way, or have failed with a reason. */
export function showTables(element, { steps, tables, stepsFailed, tablesFailed }) {
  fill(element,
    h("section", { class: "card" }, h("h2", {}, t("boundaries")), h("p", { class: "faint" }, t("boundaries_about")),
      stepsFailed ? h("p", { class: "wrong" }, stepsFailed) : steps ? boundaries(steps) : h("p", { class: "faint" }, t("working"))),
    steps ? h("section", { class: "card" }, h("h2", {}, t("coming")), coming(steps)) : null,
    h("section", { class: "tables" }, h("h2", {}, t("tables")), h("p", { class: "faint" }, t("tables_about")),
      tablesFailed ? h("p", { class: "wrong" }, tablesFailed) : tables ? tables.tables.map((table) => one(tables, table)) : h("p", { class: "faint" }, t("working"))));
}

function boundaries(steps) {
  return [
    steps.facts.length ? steps.facts.map((fact) => h("article", { class: "boundary" },
      h("h3", {}, cap(fact.label), h("span", { class: "faint" }, t("fact_now", { value: fact.now }))),
      h("ul", {}, fact.steps.map((step) => h("li", {}, h("p", { class: "over" }, cap(step.text)), changes(steps, step.changes))))))
      : h("p", {}, t("no_boundaries")),
    steps.still.length ? h("p", { class: "faint" }, t("still", { facts: list(steps.still) })) : null,
    steps.left_out.length ? h("p", { class: "faint" }, t("left_out", { facts: list(steps.left_out) })) : null,
  ];
}

function coming(steps) {
  if (!steps.time.length) return h("p", {}, t("no_coming"));
  return h("ol", { class: "coming" }, steps.time.map((change) => h("li", {}, h("p", { class: "over" }, change.text), changes(steps, change.changes))));
}

function changes(source, found) {
  const large = found.filter((change) => !change.is_list);
  const lists = found.filter((change) => change.is_list);
  return [
    large.length ? rows(source, large) : null,
    lists.length ? large.length
      ? h("details", { class: "folded" }, h("summary", {}, t("lists_too", { count: lists.length })), rows(source, lists))
      : rows(source, lists) : null,
  ];
}

function rows(source, found) {
  return h("dl", { class: "changes" }, found.map((change) => h("div", {},
    h("dt", {}, cap(change.label)),
    h("dd", {},
      h("del", {}, h("span", { class: "hidden" }, `${t("was")} `), change.before),
      h("span", { class: "arrow", "aria-hidden": "true" }, " → "),
      h("ins", {}, h("span", { class: "hidden" }, `${t("would_be")} `), change.after), " ",
      chips(source, change.rules)))));
}

function one(source, table) {
  const used = table.rows.filter((row) => row.state);
  const all = whole.has(table.name);
  const shown = all ? table.rows : used;
  const applying = table.rows.filter((row) => row.state === "applies").length;
  const box = h("details", { class: "card table", open: all || (applying > 0 && !table.is_list) },
    h("summary", {}, h("h3", {}, table.title), h("span", { class: "faint" },
      applying ? t("count_applies", { count: applying, total: table.rows.length }) : t("no_rows"))),
    h("p", { class: "faint" }, table.about, table.illustrative ? ` ${t("illustrative")}` : ""),
    shown.length ? grid(source, table, shown) : null);
  if (used.length < table.rows.length) {
    const toggle = h("button", {
      type: "button", class: "link", "aria-pressed": String(all), "data-key": `rows-${table.name}`,
      on: { click: () => {
        if (all) whole.delete(table.name); else whole.add(table.name);
        const other = one(source, table);
        other.open = true;
        box.replaceWith(other);
        other.querySelector("[aria-pressed]")?.focus({ preventScroll: true });
      } },
    }, t("all_rows"));
    box.append(toggle);
  }
  return box;
}

function grid(source, table, shown) {
  const labels = [t("when"), ...table.headings.map(cap), t("clauses")];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": table.title },
    h("table", { role: "table" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      [t("rule"), ...labels].map((heading) => h("th", { scope: "col", role: "columnheader" }, heading)))),
    h("tbody", { role: "rowgroup" }, shown.map((row) => h("tr", { role: "row", class: row.state === "applies" ? "applies" : row.state ? "may" : row.out ? "out" : null },
      h("th", { scope: "row", role: "rowheader" }, h("code", {}, row.rule),
        row.state ? h("span", { class: "mark" }, t(row.state === "applies" ? "applies" : "may_apply")) : null,
        row.subjects.length ? h("span", { class: "faint" }, t("for_subject", { subject: list(row.subjects) })) : null,
        row.dates ? h("span", { class: "faint" }, row.dates) : null,
        row.out ? h("span", { class: "faint" }, row.out) : null),
      [row.when.length ? h("ul", {}, row.when.map((test) => h("li", {}, cap(test)))) : t("always"), ...row.cells, plainChips(source, row.clauses)]
        .map((cell, index) => h("td", { role: "cell", "data-label": labels[index], class: cell === "" ? "empty" : null }, h("div", {}, cell))))))));
}

/** Forget which tables were wanted whole: another policy has others. */
export function forgetTables() {
  whole.clear();
}
