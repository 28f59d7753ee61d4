// The texts of the page: they come from the service, in every language at once.

import { byId } from "./dom.js";

let texts = { en: {}, zh: {} };
let current = "en";

/** Choose the language: the one chosen before, else that of the page as it came. */
export function begin(found) {
  texts = found;
  const kept = localStorage.getItem("language");
  current = kept in texts ? kept : document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  apply();
}

export function language() {
  return current;
}

export function choose(name) {
  current = name;
  localStorage.setItem("language", name);
  apply();
}

/** Give a text with its names in braces filled in, begun with a capital letter. */
export function t(name, values = {}) {
  const template = texts[current][name] ?? name;
  return cap(template.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole)));
}

/** Begin a text with a capital letter. */
export function cap(text) {
  return text ? text[0].toLocaleUpperCase(document.documentElement.lang) + text.slice(1) : "";
}

/** Take the text of the reader's language out of one that is given in each. */
export function of(both) {
  return both?.[current] ?? both?.en ?? "";
}

/** Join short texts. */
export function list(items) {
  return items.join(current === "zh" ? "、" : ", ");
}

function apply() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  document.title = t("desk");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === current));
  }
  byId("clause").hidden = true;
}
