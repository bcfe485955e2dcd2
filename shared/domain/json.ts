/*
 * Rows as JSON objects: one a line (NDJSON), or the elements of one array. Borders are found by brackets and quotes
 * alone; values are read later, row by row, so that one bad row stays one bad row.
 */
const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = new Set([123, 91]);
const CLOSE = new Set([125, 93]);

/** An array that is broken outside its elements. `offset` counts characters from the text's start. */
export class BrokenArray extends Error {
  override readonly name = 'BrokenArray';
  constructor(
    readonly problem: string,
    readonly offset: number,
  ) {
    super(`${problem} at character ${offset}`);
  }
}

/**
 * Cuts a JSON array that arrives in pieces into its elements' texts. Line ends become tabs, which JSON takes between
 * tokens and refuses within text: each element is one NDJSON line, and what was no JSON stays none. Elements are not
 * parsed.
 */
export class JsonArrayRows {
  private state: 'before' | 'value' | 'comma' | 'after' = 'before';
  private depth = 0;
  private inString = false;
  private escaped = false;
  private element = '';
  private consumed = 0;
  private afterComma = false;

  /** The elements that this piece completes. @throws BrokenArray */
  push(text: string): string[] {
    const found: string[] = [];
    let from = 0;
    const take = (end: number) => {
      const row = (this.element + text.slice(from, end)).replace(/[\r\n]+/g, '\t').trim();
      this.element = '';
      if (row === '') throw new BrokenArray('an element is missing', this.consumed + end);
      found.push(row);
    };
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (char === BACKSLASH) this.escaped = true;
        else if (char === QUOTE) this.inString = false;
        continue;
      }
      if (char === 32 || char === 9 || char === 10 || char === 13) continue;
      if (this.state === 'before') {
        if (char !== 91) throw new BrokenArray('the text is not a JSON array', this.consumed + at);
        this.state = 'value';
        from = at + 1;
      } else if (this.state === 'after') {
        throw new BrokenArray('there is text behind the array', this.consumed + at);
      } else if (char === QUOTE) {
        this.inString = true;
        this.state = 'comma';
      } else if (OPEN.has(char)) {
        this.depth++;
        this.state = 'comma';
      } else if (CLOSE.has(char) && this.depth > 0) {
        this.depth--;
      } else if (this.depth === 0 && char === 44) {
        take(at);
        from = at + 1;
        this.state = 'value';
        this.afterComma = true;
      } else if (this.depth === 0 && char === 93) {
        if (this.state === 'comma' || this.afterComma) take(at);
        this.state = 'after';
        from = text.length;
      } else {
        this.state = 'comma';
      }
    }
    this.consumed += text.length;
    if (this.state === 'value' || this.state === 'comma') this.element += text.slice(Math.min(from, text.length));
    return found;
  }

  /** Characters of the element that is not complete yet. */
  get open(): number {
    return this.element.length;
  }

  /** @throws BrokenArray when the text ended within the array */
  end(): void {
    if (this.state === 'before') throw new BrokenArray('the text is not a JSON array', this.consumed);
    if (this.state !== 'after') throw new BrokenArray('the text ends within the array', this.consumed);
  }
}

/** Longer than a row can be, however its text is escaped. Parsing takes some fifty bytes of memory a character. */
const MOST_CHARACTERS = 2 * 1024 * 1024;

/** A value that no column type accepts: JSON's true, false, arrays and objects are no cell of a table. */
export const NO_CELL = '\u0000';

/** Why a JSON row cannot be spread over the columns. */
export type JsonRow =
  | { readonly fields: string[] }
  | { readonly unknown: string }
  | { readonly repeated: string }
  | undefined;

/**
 * Spreads a JSON object over columns, every value as it was written: numbers keep their digits, null and absent keys
 * are empty. `position` gives a key's column. Undefined when the text is no JSON object; `unknown` names a key that
 * is no column, `repeated` one whose column was named before in another spelling.
 */
export function jsonFields(text: string, position: (key: string) => number | undefined, width: number): JsonRow {
  if (text.length > MOST_CHARACTERS) return undefined;
  let object: unknown;
  try {
    object = JSON.parse(text, (_key, value, context?: { source?: string }) =>
      typeof value === 'number' ? new Written(context!.source!) : value,
    );
  } catch {
    return undefined; // no JSON, or nested deeper than a row can be: the row's outcome says so
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object) || object instanceof Written)
    return undefined;
  const fields = new Array<string>(width).fill('');
  const taken: boolean[] = [];
  for (const [key, value] of Object.entries(object)) {
    const at = position(key);
    if (at === undefined) return { unknown: key };
    if (taken[at]) return { repeated: key };
    taken[at] = true;
    if (typeof value === 'string') fields[at] = value;
    else if (value instanceof Written) fields[at] = value.text;
    else if (value !== null) fields[at] = NO_CELL;
  }
  return { fields };
}

/** A number's own digits, which a double would round. */
class Written {
  constructor(readonly text: string) {}
}
