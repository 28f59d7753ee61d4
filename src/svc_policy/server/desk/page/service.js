// Asks the service. A token is kept for this tab only; what goes wrong is told apart by what can be done about it.

const root = new URL("../v1/desk/", import.meta.url);
const LONGEST = 20_000;

export class Failure extends Error {
  /** `kind` is `offline`, `token`, `scope`, `busy`, `problem` or `gone`; `problems` are the service's own. */
  constructor(kind, body = null, wait = 0) {
    super(kind);
    this.kind = kind;
    this.problems = body?.problems ?? [];
    this.detail = body?.detail ?? "";
    this.wait = wait;
  }
}

export const setToken = (token) => sessionStorage.setItem("token", token);
export const forgetToken = () => sessionStorage.removeItem("token");

/** The texts of the page, which nobody needs a token for. */
export async function texts() {
  const answer = await fetch(new URL("texts.json", import.meta.url));
  if (!answer.ok) throw new Failure("offline");
  return answer.json();
}

export const policies = () => ask("policies");
export const form = (name) => ask(`policies/${encodeURIComponent(name)}/form`);

/** Send a ticket and have it answered, or laid out in `tables` or `steps`. */
export function send(what, name, ticket, { at, lang, signal }) {
  const query = new URLSearchParams({ lang });
  if (at) query.set("at", at);
  return ask(`policies/${encodeURIComponent(name)}/${what}?${query}`, { body: JSON.stringify(ticket), lang, signal });
}

async function ask(path, { body = null, lang = null, signal = null } = {}) {
  const headers = {};
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (lang) headers["Accept-Language"] = lang;
  if (body !== null) headers["Content-Type"] = "application/json";
  const signals = [AbortSignal.timeout(LONGEST), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(new URL(path, root), {
      method: body === null ? "GET" : "POST",
      headers,
      body,
      signal: AbortSignal.any(signals),
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
    if (answer.ok) return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("offline");
  }
  const found = await answer.json().catch(() => null);
  if (answer.status === 401) throw new Failure("token", found);
  if (answer.status === 403) throw new Failure("scope", found);
  if (answer.status === 404) throw new Failure("gone", found);
  if (answer.status === 429 || answer.status === 503) {
    throw new Failure("busy", found, Number(answer.headers.get("retry-after")) || 3);
  }
  throw new Failure(answer.status >= 500 ? "failed" : "problem", found);
}
