// Two tabs, as a tab list is used: arrows, Home and End move along, and what is chosen shows at once.

import { byId } from "./dom.js";

/** Listen to the tabs; `changed` is told which one is shown. */
export function listenForTabs(changed) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const select = (tab, focus) => {
    for (const one of tabs) {
      const on = one === tab;
      one.setAttribute("aria-selected", String(on));
      one.tabIndex = on ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
    changed(tab.id.replace("tab-", ""));
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab, false));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const index = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : step ? (tabs.indexOf(tab) + step + tabs.length) % tabs.length : null;
      if (index === null) return;
      event.preventDefault();
      select(tabs[index], true);
    });
  }
  return (name) => select(byId(`tab-${name}`), false);
}
