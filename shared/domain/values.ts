import { type Column, decimalShape } from './contract';
import type { Value } from './outcome';
import { timestampParser } from './timestamp';

/** Reads one trimmed, non-empty text; undefined when it is not of the column's type. */
export type ValueParser = (text: string) => Value | undefined;

/**
 * Compiles a column's type to a parser. `timezone` is where times without a zone are. With `known` the caller has
 * seen to it that the texts pass isText; testing a whole row at once is much cheaper than testing every field.
 */
export function valueParser(column: Column, timezone: string, known: 'text' | 'nothing' = 'nothing'): ValueParser {
  if (column.type === 'string') {
    const parse = stringParser(column.maxLength!, column.stripDecimalZeros === true);
    return known === 'text' ? parse : (text) => (isText(text) ? parse(text) : undefined);
  }
  if (column.type === 'int') return remembering(parseInt32);
  if (column.type === 'timestamp') return timestampParser(column.formats!, timezone);
  const { precision, scale } = decimalShape(column.type);
  return remembering(decimalParser(precision, scale));
}

/** Distinct short texts that a parser remembers: quantities and prices come again and again. */
const REMEMBERED = 4096;
/** Longer texts are rare, and remembering a slice would keep the chunk that it was cut from. */
const SHORT = 12;

function remembering(parse: ValueParser): ValueParser {
  const known = new Map<string, Value | undefined>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      value = parse(text);
      if (text.length <= SHORT && known.size < REMEMBERED) known.set(text, value);
    }
    return value;
  };
}

const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]/u;

/**
 * Whether a text has neither control characters (but tab, line feed and carriage return) nor halves of surrogate pairs:
 * they are no text, and U+001F would make two identities look alike.
 */
export const isText = (text: string): boolean => !NOT_TEXT.test(text);

function stringParser(maxLength: number, stripDecimalZeros: boolean): ValueParser {
  return (text) => {
    if (text.length > maxLength && codePoints(text) > maxLength) return undefined;
    return stripDecimalZeros && /^\d+\.0+$/.test(text) ? text.slice(0, text.indexOf('.')) : text;
  };
}

function codePoints(text: string): number {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/** A decimal integer of 32 bits; zeros behind a point are allowed, as table tools write them. */
function parseInt32(text: string): number | undefined {
  if (!/^[+-]?\d{1,18}(\.0+)?$/.test(text)) return undefined;
  const n = Number(text);
  return n >= -2147483648 && n <= 2147483647 ? n + 0 : undefined; // + 0 makes -0 to 0
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** Plain decimal notation, exact: digits beyond the scale are refused unless they are zeros. No exponent. */
function decimalParser(precision: number, scale: number): ValueParser {
  const whole = precision - scale;
  return (text) => {
    const match = DECIMAL.exec(text);
    if (!match) return undefined;
    const [, sign, before, behind = ''] = match as unknown as [string, string, string, string?];
    if (before === '' && behind === '') return undefined;
    const digits = before.length > 1 && before.charCodeAt(0) === 48 ? before.replace(/^0+(?=\d)/, '') : before || '0';
    let end = behind.length; // by hand: /0+$/ takes the square of the length where zeros end in another digit
    while (behind.charCodeAt(end - 1) === 48) end--;
    const fraction = behind.slice(0, end);
    if (fraction.length > scale || (digits.length > whole && digits !== '0')) return undefined;
    const number = fraction === '' ? digits : `${digits}.${fraction}`;
    return sign === '-' && number !== '0' ? `-${number}` : number;
  };
}
