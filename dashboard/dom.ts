type Child = Node | string;

/** What an element has: a class, text attributes, listeners. Text goes in as text; nothing here reads markup. */
interface Properties {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes an element. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.class !== undefined) element.className = properties.class;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(properties.on ?? {})) element.addEventListener(name, listener);
  element.append(...children);
  return element;
}

export const button = (text: string, pressed: () => void, attributes: Readonly<Record<string, string>> = {}) =>
  el('button', { attributes: { type: 'button', ...attributes }, on: { click: pressed } }, text);

/** An element of page.html. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`page.html has no #${id}`);
  return element;
}

/** Hands somebody a file. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  el('a', { attributes: { href: url, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
