// The ticket in hand, and its link: everything stands behind the `#` of the address, which no server is sent.

/** Read a ticket from the address; null where there is none. Throws where there is one that cannot be read. */
export function readLink(hash = location.hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  if (!query.has("policy")) return null;
  const facts = JSON.parse(query.get("ticket") ?? "{}");
  if (facts === null || typeof facts !== "object" || Array.isArray(facts)) throw new Error("no ticket");
  return { policy: query.get("policy"), digest: query.get("digest") ?? "", at: query.get("at") ?? "", facts };
}

/** Write a ticket as the part of a link behind the `#`. */
export function writeLink({ policy, digest, at, facts }) {
  const query = new URLSearchParams({ policy });
  if (digest) query.set("digest", digest.slice(0, 12));
  if (at) query.set("at", at);
  query.set("ticket", JSON.stringify(facts));
  return `#${query}`;
}

/** Say whether facts have the shape of a ticket: its lists hold records, and the company's own facts stand together. */
export function isTicket(form, facts) {
  const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  return (facts.extra === undefined || isRecord(facts.extra))
    && form.lists.every(({ field }) => facts[field] === undefined || (Array.isArray(facts[field]) && facts[field].every(isRecord)));
}

/** Give the value at a path such as `["parts", 0, "quantity"]`. */
export function valueAt(facts, path) {
  return path.reduce((found, part) => (found === null || found === undefined ? undefined : found[part]), facts);
}

/** Give the ticket with another value at a path; undefined takes the fact out, and what holds nothing any more. */
export function withValue(facts, path, value) {
  const [head, ...rest] = path;
  const copy = Array.isArray(facts) ? [...facts] : { ...facts };
  if (rest.length) {
    const below = copy[head] ?? (typeof rest[0] === "number" ? [] : {});
    copy[head] = withValue(below, rest, value);
    if (head === "extra" && Object.keys(copy[head]).length === 0) delete copy[head];
  } else if (value === undefined) {
    if (Array.isArray(copy)) copy.splice(head, 1);
    else delete copy[head];
  } else {
    copy[head] = value;
  }
  return copy;
}

/** Give the ticket with one record less; a list without records is none. */
export function withoutRecord(facts, field, number) {
  const records = facts[field].filter((_, index) => index !== number);
  const copy = { ...facts, [field]: records };
  if (!records.length) delete copy[field];
  return copy;
}

/** Write a path as the problems of the service do: `parts[0].quantity`. */
export function written(path) {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index ? `.${part}` : part)).join("");
}
