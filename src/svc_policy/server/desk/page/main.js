// The desk: what is chosen, what is known, what was answered; and what happens when any of it changes.

import { showAnswer, showVerdict } from "./answer.js";
import { listenForClauses } from "./clauses.js";
import { byId, fill, h } from "./dom.js";
import { focusQuestion, forgetForm, showForm } from "./form.js";
import { Failure, form as askForm, forgetToken, policies as askPolicies, send, setToken, texts } from "./service.js";
import { forgetTables, showTables } from "./tables.js";
import { listenForTabs } from "./tabs.js";
import { isTicket, readLink, withValue, withoutRecord, writeLink } from "./ticket.js";
import { begin, choose, language, of, t } from "./words.js";

const EVERY = 60_000;
const state = {
  policies: [], form: null, policy: "", digest: "", facts: {}, at: "", linked: "",
  answer: null, problems: [], steps: null, tables: null, stepsFailed: "", tablesFailed: "",
  tab: "answer", notices: new Map(),
};
let asking = null;
let looking = null;
let spoken = "";

const actions = {
  set: (path, value) => change(withValue(state.facts, path, value)),
  remove: (field, number) => change(withoutRecord(state.facts, field, number)),
  asOf: (text) => { state.at = text; change(state.facts); },
};

// --- what is shown

function show() {
  const stale = state.problems.length > 0;
  document.body.classList.toggle("stale", stale);
  if (state.form) showForm(byId("ticket"), { ...state, actions });
  if (state.answer) {
    showVerdict(byId("verdict"), state.answer);
    showAnswer(byId("answer"), state.answer);
    const { id, digest } = state.answer.policy;
    byId("about").textContent = t("policy_digest", { policy: id, digest: digest.slice(0, 12) });
  } else {
    for (const id of ["verdict", "answer"]) fill(byId(id));
  }
  if (state.tab === "tables") showTables(byId("view-tables"), state);
  showNotices();
}

function notice(name, content) {
  if (content) state.notices.set(name, content);
  else state.notices.delete(name);
  showNotices();
}

function showNotices() {
  const made = [...state.notices].map(([name, make]) => h("div", { class: `notice ${name}` }, make(name)));
  const box = byId("notices");
  if (!made.length && !box.firstChild) return;
  fill(box, made);
}

function button(text, work, kind = "") {
  return h("button", { type: "button", class: kind, "data-key": `notice-${text}`, on: { click: work } }, text);
}

const dismissible = (text) => (name) => [h("p", {}, text()), button(t("dismiss"), () => notice(name), "link")];

function speak(text) {
  if (text === spoken) return;
  spoken = text;
  byId("spoken").textContent = text;
}

// --- what happens

function change(facts) {
  state.facts = facts;
  keep();
  answer();
}

function keep(push = false) {
  if (!state.policy) return;
  const link = writeLink({ policy: state.policy, digest: state.digest, at: state.at, facts: state.facts });
  history[push ? "pushState" : "replaceState"](null, "", link);
}

async function answer() {
  asking?.abort();
  const mine = (asking = new AbortController());
  byId("desk").setAttribute("aria-busy", "true");
  try {
    const found = await send("answer", state.policy, state.facts, { at: state.at, lang: language(), signal: mine.signal });
    if (mine.signal.aborted) return;
    if (found.timeline) found.timeline.isFixed = Boolean(state.at);
    state.answer = found;
    state.problems = [];
    for (const name of ["offline", "busy", "token", "scope", "problem", "failed"]) state.notices.delete(name);
    editionOf(found);
    show();
    speak(found.summary);
    look();
  } catch (error) {
    if (mine.signal.aborted) return;
    failed(error, answer);
  } finally {
    if (asking === mine) byId("desk").setAttribute("aria-busy", "false");
  }
}

/** See whether the policy changed since the link was made, or since the page was opened. */
function editionOf(found) {
  const { digest } = found.policy;
  state.digest = digest;
  if (state.form.policy.digest !== digest) guarded(() => choosePolicy(state.policy, true).then(show))();
  if (state.linked && !digest.startsWith(state.linked)) {
    const values = { old: state.linked.slice(0, 12), new: digest.slice(0, 12) };
    state.notices.set("edition", dismissible(() => t("other_digest", values)));
  }
  state.linked = "";
  keep();
}

function failed(error, again) {
  if (!(error instanceof Failure)) throw error;
  const reason = () => error.problems.map((problem) => of(problem.message)).join("; ") || error.detail;
  if (error.kind === "problem" && error.problems.length) {
    state.problems = error.problems;
    state.notices.delete("offline");
    show();
    const unplaced = error.problems.filter((problem) => !problem.field || !document.querySelector(`[data-fact="${CSS.escape(problem.field)}"]`));
    notice("problem", () => [h("p", {}, t(state.answer ? "stale" : "undecided")), unplaced.map((problem) =>
      h("p", {}, of(problem.message), problem.help ? ` (${of(problem.help)})` : ""))]);
    speak(reason());
  } else if (error.kind === "token") {
    forgetToken();
    notice("token", () => tokenForm(reason(), again));
    document.querySelector(".notice.token input")?.focus();
  } else if (error.kind === "scope") {
    notice("scope", () => [h("p", {}, t("token_scope", { reason: reason() })), button(t("token_use"), () => {
      notice("scope");
      notice("token", () => tokenForm("", again));
    })]);
  } else if (error.kind === "busy") {
    notice("busy", () => h("p", {}, t("busy")));
    setTimeout(again, Math.min(error.wait, 30) * 1000);
  } else if (error.kind === "offline") {
    show();
    notice("offline", () => [h("p", {}, t("offline")), button(t("retry"), again, "main")]);
  } else {
    notice("failed", () => [h("p", {}, t("failed", { reason: reason() })), button(t("retry"), again)]);
  }
}

function tokenForm(reason, again) {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", "data-key": "token", spellcheck: "false" });
  return h("form", { on: { submit: (event) => {
    event.preventDefault();
    setToken(event.currentTarget.querySelector("input").value.trim());
    notice("token");
    again();
  } } }, h("p", {}, t("token_needed"), reason ? ` (${reason})` : ""), h("label", { for: "token" }, t("token")), input,
  h("button", { type: "submit", class: "main" }, t("token_use")), h("p", { class: "faint" }, t("token_about")));
}

/** Fetch what the second tab shows, if it is looked at. */
async function look() {
  if (state.tab !== "tables" || !state.answer || state.problems.length) return;
  looking?.abort();
  const mine = (looking = new AbortController());
  const { policy, facts } = state;
  const how = { at: state.at || state.answer.at.local, lang: language(), signal: mine.signal };
  const part = async (name) => {
    try {
      const found = await send(name, policy, facts, how);
      Object.assign(state, { [name]: found, [`${name}Failed`]: "" });
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      const reason = error.problems.map((problem) => of(problem.message)).join("; ") || t("offline");
      Object.assign(state, { [name]: null, [`${name}Failed`]: reason });
    }
    if (!mine.signal.aborted) showTables(byId("view-tables"), state);
  };
  await Promise.all([part("steps"), part("tables")]);
}

async function choosePolicy(name, same = false) {
  const form = await askForm(name);
  if (!same) {
    forgetForm();
    forgetTables();
    Object.assign(state, { answer: null, problems: [], steps: null, tables: null });
  }
  Object.assign(state, { form, policy: name, digest: form.policy.digest });
  const select = byId("service");
  select.value = name.split("@")[0];
}

async function newTicket(name = state.policy, push = true) {
  await choosePolicy(name);
  Object.assign(state, { facts: state.form.start, at: "", linked: "" });
  state.notices.delete("edition");
  keep(push);
  await answer();
  focusQuestion(byId("ticket"));
}

/** Take the ticket from the address; without one begin with the first policy. */
async function take() {
  let found = null;
  try {
    found = readLink();
  } catch {
    state.notices.set("link", dismissible(() => t("bad_link")));
  }
  const known = state.policies.map((policy) => policy.id);
  if (found && !known.includes(found.policy.split("@")[0])) {
    const name = found.policy;
    state.notices.set("link", dismissible(() => t("no_policy", { name })));
    found = null;
  }
  if (!found) return newTicket(known[0], false);
  await choosePolicy(found.policy);
  if (!isTicket(state.form, found.facts)) {
    state.notices.set("link", dismissible(() => t("bad_link")));
    return newTicket(found.policy, false);
  }
  Object.assign(state, { facts: found.facts, at: found.at, linked: found.digest });
  return answer();
}

function listPolicies() {
  fill(byId("service"), state.policies.map((policy) => h("option", { value: policy.id, selected: policy.id === state.policy.split("@")[0] }, of(policy.titles))));
}

async function start() {
  try {
    state.policies = (await askPolicies()).policies;
    notice("offline");
    if (!state.policies.length) return notice("failed", () => h("p", {}, t("no_policies")));
    listPolicies();
    await take();
  } catch (error) {
    failed(error, start);
  }
  return undefined;
}

const guarded = (work, again = null) => async (...given) => {
  try {
    await work(...given);
  } catch (error) {
    failed(error, again ?? (() => work(...given)));
  }
};

byId("service").addEventListener("change", guarded((event) => newTicket(event.target.value)));
byId("new").addEventListener("click", guarded(() => newTicket()));
byId("copy").addEventListener("click", async () => {
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  notice("copied", dismissible(() => t(copied ? "copied" : "not_copied")));
  setTimeout(() => notice("copied"), 6000);
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("verdict").focus();
});
for (const one of document.querySelectorAll("[data-language]")) {
  one.addEventListener("click", () => {
    choose(one.dataset.language);
    listPolicies();
    show();
    if (state.policy) answer();
  });
}
addEventListener("popstate", guarded(take));
setInterval(() => !document.hidden && !state.at && state.answer && !state.notices.size && !document.querySelector(".question input:focus") && answer(), EVERY);
listenForTabs((name) => { state.tab = name; show(); look(); });
listenForClauses();

try {
  begin(await texts());
  await start();
} catch (error) {
  failed(error instanceof Failure ? error : new Failure("offline"), () => location.reload());
}
