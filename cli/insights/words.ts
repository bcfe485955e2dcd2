import type { InsightState, Overview } from '../../shared/domain/overview';

/** What `GET /v1/insights` answers, as far as it is said. */
export interface Listed extends Pick<Overview, 'datasets'> {
  readonly built_at: string | null;
  readonly insights: readonly (InsightState & { readonly name: string; readonly question: string })[];
}

/** What `GET /v1/insights/{name}` answers, as far as it is said. */
export interface Answer {
  readonly question: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly built_at: string | null;
  readonly failed_at: string | null;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly description: string }[];
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  readonly truncated: boolean;
  readonly cannot: readonly string[];
}

const NUMBERS = new Set(['integer', 'decimal', 'number']);
const GAP = '  ';

/** Names with their questions, and what there is. */
export function listInWords({ built_at, datasets, insights }: Listed): string {
  const width = Math.max(...insights.map(({ name }) => name.length));
  const lines = insights.map(
    ({ name, question, failed_at }) =>
      `${name.padEnd(width)}${GAP}${question}${failed_at === null ? '' : ` (the build of ${failed_at} failed at it)`}`,
  );
  const of = datasets.map(({ dataset, rows, first_day, last_day }) =>
    first_day === null
      ? `${dataset}: no rows yet`
      : `${dataset}: ${rows.toLocaleString('en-US')} rows of ${first_day} to ${last_day}`,
  );
  const built = built_at === null ? 'Nothing is built yet.' : `Built at ${built_at}.`;
  return [...lines, '', ...of, built].join('\n');
}

/** An answer as a table, with what its columns are and what it cannot say. */
export function tableOf({ question, from, to, built_at, failed_at, columns, rows, truncated, cannot }: Answer): string {
  if (rows.length === 0)
    return [question, '', from === null ? 'There are no rows yet.' : `Nothing, from ${from} to ${to}.`].join('\n');
  const cells = rows.map((row) => columns.map(({ name }) => shown(row[name])));
  const widths = columns.map(({ name }, i) => Math.max(name.length, ...cells.map((line) => line[i]!.length)));
  const longest = Math.max(...columns.map(({ name }) => name.length));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => (NUMBERS.has(columns[i]!.type) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join(GAP)
      .trimEnd();
  return [
    question,
    `From ${from} to ${to}, as of ${built_at}.`,
    ...(failed_at === null ? [] : [`The build of ${failed_at} failed at it.`]),
    '',
    line(columns.map(({ name }) => name)),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map(line),
    ...(truncated ? ['... and more: --limit, or --csv'] : []),
    '',
    ...columns.map(({ name, description }) => `${name.padEnd(longest)}${GAP}${description}`),
    ...(cannot.length > 0 ? ['', ...cannot] : []),
  ].join('\n');
}

/** Somebody's text, without what would move a terminal's cursor. */
const shown = (cell: string | number | null | undefined): string =>
  String(cell ?? '').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
