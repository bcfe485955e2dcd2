import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BodyType, readBody } from '../../shared/domain/body';
import { cleanRows } from '../../shared/domain/clean';
import { cut, rowsOf } from '../../shared/domain/cutting';
import { datasets } from '../../shared/domain/dataset';
import { pack, seal, unpack } from '../../shared/domain/packing';

/*
 * Every pair of files under fixtures/rows/<data set>/ is a case: NAME.in.csv, .in.json or .in.ndjson is what is sent,
 * NAME.out.json says by hand what becomes of each row. To add a case, add the two files.
 */
const folder = join(__dirname, '../fixtures/rows');

interface Expected {
  /** What the case shows. */
  readonly about: string;
  readonly charset?: string;
  readonly rows: readonly ExpectedRow[];
}
interface ExpectedRow {
  /** The line of the file that the row starts in; for an array, its place. */
  readonly line: number;
  readonly kept?: Readonly<Record<string, unknown>>;
  readonly line_id?: string;
  readonly duplicate?: true;
  readonly rejected?: string;
  readonly field?: string;
}

interface Case {
  readonly type: BodyType;
  readonly bytes: Buffer;
  readonly expected: Expected;
}

function caseNamed(dataset: string, name: string, file: string): Case {
  const { groups } = /\.in\.(?<type>csv|json|ndjson)$/.exec(file)!;
  return {
    type: groups!.type as BodyType,
    bytes: readFileSync(join(folder, dataset, file)),
    expected: JSON.parse(readFileSync(join(folder, dataset, `${name}.out.json`), 'utf8')),
  };
}

/** The body on its whole way: read, cut, packed into a record, unpacked and cleaned. */
function outcomes(name: string, { type, bytes, expected }: Case) {
  const dataset = datasets.get(name)!;
  const sent = { bytes, asText: false, contentType: 'application/octet-stream', type, charset: expected.charset };
  const { format, columns, text, start, line } = readBody(sent, dataset);
  const rows = text.slice(start);
  const slices = cut(rows, dataset, { format, columns, firstLine: line });
  const { first_line, ...slice } = slices[0]!;
  const header = {
    dataset: name,
    contract_version: dataset.contract.version,
    batch_id: 'b'.repeat(32),
    number: 1,
    received_at: '2025-01-01T00:00:00.000Z',
    rows: slice.rows,
    first_line,
    format,
    columns,
  };
  const chunk = unpack(pack(header, seal(rows.slice(slice.start, slice.end))).data);
  const lines = [...rowsOf(chunk.text, format, first_line)].map((row) => row.line);
  return { chunks: slices.length, received: slice.rows, lines, ...cleanRows(chunk, dataset) };
}

describe.each(readdirSync(folder))('rows of %s:', (dataset) => {
  const files = readdirSync(join(folder, dataset));
  const inputs = files.filter((file) => file.includes('.in.'));
  const nameOf = (file: string) => file.slice(0, file.indexOf('.in.'));

  test('every case has both of its files', () => {
    expect(files.filter((file) => file.endsWith('.out.json'))).toEqual(
      inputs.map((file) => `${nameOf(file)}.out.json`),
    );
    expect(files).toHaveLength(2 * inputs.length);
  });

  test.each(inputs.map((file) => [nameOf(file), file]))('%s', (name, file) => {
    const one = caseNamed(dataset, name, file);
    const { rows } = one.expected;
    const result = outcomes(dataset, one);

    expect(result.chunks).toBe(1);
    expect(result.received).toBe(rows.length);
    expect(result.lines).toEqual(rows.map(({ line }) => line));
    expect(result.rejected.map(({ line, reason, field }) => ({ line, rejected: reason, field }))).toEqual(
      rows.filter(({ rejected }) => rejected !== undefined),
    );
    const kept = rows.filter((row) => row.kept !== undefined);
    expect(result.accepted.map(({ row }) => row)).toEqual(kept.map((row) => row.kept));
    expect(result.accepted.map(({ line_id }, i) => (kept[i]!.line_id === undefined ? undefined : line_id))).toEqual(
      kept.map((row) => row.line_id),
    );
    expect(result.repeated).toBe(rows.filter(({ duplicate }) => duplicate).length);
  });
});
