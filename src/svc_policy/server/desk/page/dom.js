// Makes elements. Whatever is shown is set as text, never as markup.

const heard = new WeakMap();

/** Listen to an element. A later listener to the same event takes the place of the earlier one. */
export function listen(element, on) {
  const known = heard.get(element) ?? {};
  for (const event of Object.keys(on)) {
    if (!(event in known)) element.addEventListener(event, (told) => heard.get(element)[event](told));
  }
  heard.set(element, { ...known, ...on });
}

/** Make an element: `on` holds listeners, `class`, `data` and any attribute; false and null leave one out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      listen(element, value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "value" && "value" in element) {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Put children in the place of what an element holds. An input with the focus stays as it is, half-typed dates
 * included, with the attributes and listeners of the one in whose place it stands: a listener reads the input of its event.
 */
export function fill(element, ...children) {
  const active = document.activeElement;
  const key = element.contains(active) ? active.dataset?.key : undefined;
  const made = document.createDocumentFragment();
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  const again = key ? made.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  if (again && again.tagName === "INPUT" && active.tagName === "INPUT" && again.type === active.type) {
    for (const { name } of [...active.attributes]) if (!again.hasAttribute(name)) active.removeAttribute(name);
    for (const { name, value } of again.attributes) if (active.getAttribute(name) !== value) active.setAttribute(name, value);
    listen(active, heard.get(again) ?? {});
    again.replaceWith(active);
  }
  element.replaceChildren(made);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

export const byId = (id) => document.getElementById(id);

let count = 0;
/** Make a name for an element that another refers to. */
export const unique = (prefix) => `${prefix}-${(count += 1)}`;
