/** A figure that has a limit, and on which side of it it stands. */
export interface Limit {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What one measurement has to say. */
export interface Report {
  readonly title: string;
  readonly tables: readonly Table[];
  /** How it was measured, and what is not in. */
  readonly notes: readonly string[];
  readonly limits: readonly Limit[];
  /** The same for programs. */
  readonly figures: Readonly<Record<string, unknown>>;
}

export const isMet = ({ measured, bound, limit }: Limit): boolean =>
  bound === 'at least' ? measured >= limit : measured <= limit;

/** A report as Markdown, its headings at level 3. */
export function toMarkdown({ title, tables, notes, limits }: Report): string {
  const blocks = [`### ${title}`];
  if (limits.length > 0) {
    const rows = limits.map((limit) => [
      limit.what,
      `${number(limit.measured)} ${limit.unit}`.trim(),
      `${limit.bound} ${number(limit.limit)}`,
      isMet(limit) ? 'met' : '**missed**',
    ]);
    blocks.push(markdownTable(['aim', 'measured', 'wanted', ''], rows));
  }
  for (const table of tables) blocks.push(`${table.title}:`, markdownTable(table.head, table.rows));
  if (notes.length > 0) blocks.push(notes.map((note) => `- ${note}`).join('\n'));
  return blocks.join('\n\n');
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** A number for people: three significant digits below a thousand, whole above. */
export function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

/** Dollars to a tenth of a cent; what is less is said to be. */
export const usd = (value: number): string => (value > 0 && value < 0.001 ? '< 0.001' : value.toFixed(3));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** A document that lacks the place for figures. */
export class NoMarkers extends Error {
  override readonly name = 'NoMarkers';
}

/** Puts figures between the markers of a document; the rest stays as it is. @throws NoMarkers */
export function between(document: string, figures: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END, start);
  if (start === -1 || end === -1) throw new NoMarkers(`the document has no ${START} with an ${END} behind it`);
  return `${document.slice(0, start + START.length)}\n${figures.trim()}\n${document.slice(end)}`;
}
