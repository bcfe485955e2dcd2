/*
 * Answers as CSV (RFC 4180) for people, who open it in a spreadsheet: a cell of text that one would run as a formula
 * gets an apostrophe in front, as OWASP's "CSV Injection" advises. Signs of double width pass for theirs.
 */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const QUOTED = /[",\r\n]/;

/** Columns as a header of CSV has them, and whether a cell of each is somebody's text. */
export interface CsvColumn {
  readonly name: string;
  readonly type: string;
}

const quoted = (cell: string): string => (QUOTED.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Rows with a header; null is nothing between commas. */
export function csvOf(
  columns: readonly CsvColumn[],
  rows: Iterable<Readonly<Record<string, string | number | null>>>,
): string {
  const cells = (row: Readonly<Record<string, string | number | null>>) =>
    columns.map(({ name, type }) => {
      const cell = String(row[name] ?? '');
      return quoted(type === 'text' && FORMULA.test(cell) ? `'${cell}` : cell);
    });
  let text = `${columns.map(({ name }) => quoted(name)).join(',')}\r\n`;
  for (const row of rows) text += `${cells(row).join(',')}\r\n`;
  return text;
}
