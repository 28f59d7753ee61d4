// Makes elements. Whatever is shown is set as text, never as markup.

/** Make an element: `on` holds listeners, `class`, `data` and any attribute; false and null leave one out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
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

/** Put children in the place of what an element holds. What has the focus stays as it is, half-typed dates included. */
export function fill(element, ...children) {
  const active = document.activeElement;
  const key = element.contains(active) ? active.dataset?.key : undefined;
  const made = document.createDocumentFragment();
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  const again = key ? made.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  if (again && again.tagName === "INPUT" && active.tagName === "INPUT" && again.type === active.type) {
    for (const name of ["aria-invalid", "aria-describedby", "id"]) {
      if (again.hasAttribute(name)) active.setAttribute(name, again.getAttribute(name));
      else active.removeAttribute(name);
    }
    again.replaceWith(active);
  }
  element.replaceChildren(made);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

export const byId = (id) => document.getElementById(id);

let count = 0;
/** Make a name for an element that another refers to. */
export const unique = (prefix) => `${prefix}-${(count += 1)}`;
