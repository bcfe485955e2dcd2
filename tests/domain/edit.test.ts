import fc from 'fast-check';
import { LIMITS } from '../../shared/domain/body';
import type { RejectedRow } from '../../shared/domain/clean';
import { compile, datasets } from '../../shared/domain/dataset';
import { correctionsIn, type EditedBatch, type RefusedOf, tableOf } from '../../shared/domain/edit';
import { Problem } from '../../shared/domain/problem';

const COLUMNS = 'invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country'.split(',');
const HEADER = `chunk,line,reason,field,${COLUMNS.join(',')},text`;
const CSV: EditedBatch = { dataset: 'transactions', format: 'csv', columns: COLUMNS };
const JSON_ROWS: EditedBatch = { dataset: 'transactions', format: 'ndjson', columns: [] };
const A = `${'0a'.repeat(16)}-2-0123456789ab`;
const B = `${'0a'.repeat(16)}-9000-ba9876543210`;

const refused = (line: number, text: string, more: Partial<RejectedRow> = {}): RejectedRow => ({
  line,
  reason: 'non_positive_quantity',
  field: 'quantity',
  text,
  ...more,
});
const of = (chunk_id: string, ...rows: RejectedRow[]): RefusedOf => ({ chunk_id, rows });
const bytes = (...lines: string[]) => Buffer.from(`\ufeff${lines.join('\r\n')}\r\n`);
const take = (batch: EditedBatch, table: Buffer, ...rows: RefusedOf[]) => {
  const found: [string, number, string][] = [];
  for (const [chunk_id, lines] of correctionsIn(table, batch, rows))
    for (const [line, text] of lines) found.push([chunk_id, line, text]);
  return found;
};
const problem = (work: () => unknown): Problem => {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was taken');
};

const LAMP = '1,X,"A ""big"", lamp",0,12/1/2010 8:26,2.55,17850,=SUM(A1)';
const ROW = '1,X,A lamp,0,12/1/2010 8:26,2.55,17850,France';
const JSON_ROW = '{"Invoice":1,"stock_code":"X","quantity":-1.50,"Price":"2.55","country":null}';

describe('the table of refused rows', () => {
  it('has where a row came from, why it was refused, and its own values, for Excel', () => {
    expect(tableOf(CSV, [of(A, refused(2, LAMP)), of(B, refused(9, ROW, { reason: 'missing', field: 'x' }))])).toBe(
      `\ufeff${[
        HEADER,
        `${A},2,non_positive_quantity,quantity,1,X,"A ""big"", lamp",0,12/1/2010 8:26,2.55,17850,=SUM(A1),`,
        `${B},9,missing,x,1,X,A lamp,0,12/1/2010 8:26,2.55,17850,France,`,
        '',
      ].join('\r\n')}`,
    );
  });

  it('puts quotes around a lone carriage return, too', () => {
    const rows = [of(A, refused(2, '{a\r'))];
    expect(tableOf(JSON_ROWS, rows)).toContain(',,"{a\r"\r\n');
    expect(take(JSON_ROWS, Buffer.from(tableOf(JSON_ROWS, rows)), ...rows)).toEqual([]);
  });

  it("has the batch's own order of columns, and those of the contract for JSON, whose numbers keep their digits", () => {
    const batch = { ...CSV, columns: ['country', 'invoice_no'] };
    expect(
      tableOf(batch, [of(A, refused(2, 'France,1'))])
        .split('\r\n')
        .slice(0, 2),
    ).toEqual([
      '\ufeffchunk,line,reason,field,country,invoice_no,text',
      `${A},2,non_positive_quantity,quantity,France,1,`,
    ]);
    expect(tableOf(JSON_ROWS, [of(A, refused(3, JSON_ROW))]).split('\r\n')[1]).toBe(
      `${A},3,non_positive_quantity,quantity,1,X,,-1.50,,2.55,,,`,
    );
  });

  it.each([
    ['a row with too few fields', CSV, '1,X'],
    ['a row with too many fields', CSV, `${ROW},,`],
    ['broken JSON', JSON_ROWS, '{"Invoice":'],
    ['a member that is no column', JSON_ROWS, '{"colour":1}'],
    ['a member that stands twice', JSON_ROWS, '{"Invoice":1,"invoice_no":2}'],
    ['a value that is no text', JSON_ROWS, '{"Invoice":true}'],
    ['half a character', JSON_ROWS, '{"Invoice":"\\ud800"}'],
  ])('has %s as its text', (_, batch, text) => {
    const [, row] = tableOf(batch, [of(A, refused(2, text))]).split('\r\n');
    const quoted = /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    expect(row).toBe(`${A},2,non_positive_quantity,quantity,,,,,,,,,${quoted}`);
  });

  it('tells its own columns from those of a contract that has the same', () => {
    const { contract } = datasets.get('transactions')!;
    const columns = contract.columns.map((column) =>
      column.name === 'country' ? { ...column, name: 'line' } : column,
    );
    const identity = contract.identity.map((name) => (name === 'country' ? 'line' : name));
    (datasets as Map<string, unknown>).set('odd', compile({ ...contract, name: 'odd', columns, identity }));
    try {
      const batch = { dataset: 'odd', format: 'csv', columns: ['invoice_no', 'line'] } as const;
      const table = tableOf(batch, [of(A, refused(7, '1,France'))]);
      expect(table).toContain('chunk,line,reason,field,invoice_no,row.line,text\r\n');
      expect(take(batch, Buffer.from(table.replace('France', 'Italy')), of(A, refused(7, '1,France')))).toEqual([
        [A, 7, '1,Italy'],
      ]);
    } finally {
      (datasets as Map<string, unknown>).delete('odd');
    }
  });

  it('is refused when it could not be taken back', () => {
    const many = Array.from({ length: LIMITS.rows + 1 }, (_, i) => refused(i + 1, 'x', { reason: '', field: '' }));
    expect(tableOf(CSV, [{ chunk_id: 'a', rows: many.slice(1) }])).toContain(`a,${LIMITS.rows},`);
    expect(problem(() => tableOf(CSV, [{ chunk_id: 'a', rows: many }])).code).toBe('too_large');
    const long = Array.from({ length: 64 }, (_, i) => refused(i + 1, 'x'.repeat(1024 * 1024)));
    expect(problem(() => tableOf(CSV, [of(A, ...long)])).code).toBe('too_large');
    expect(problem(() => tableOf({ ...CSV, dataset: 'colours' }, [])).code).toBe('not_found');
  });

  it('can be taken back when it is as large as it may be', () => {
    const long = Array.from({ length: 59 }, (_, i) => refused(i + 1, 'x'.repeat(1024 * 1024)));
    expect(take(CSV, Buffer.from(tableOf(CSV, [of(A, ...long)])), of(A, ...long))).toEqual([]);
  });
});

describe('a corrected table', () => {
  const known = [of(A, refused(2, LAMP), refused(3, ROW)), of(B, refused(9, '1,X'))];

  it('gives the rows that say something else, in the format of the batch', () => {
    const table = bytes(
      HEADER,
      `${A},2,non_positive_quantity,quantity,1,X,"A ""big"", lamp",6,12/1/2010 8:26,2.55,17850,=SUM(A1),`,
      `${A},3,non_positive_quantity,quantity,1,X,A lamp,0,12/1/2010 8:26,2.55,17850,France,`,
    );
    expect(take(CSV, table, ...known)).toEqual([[A, 2, '1,X,"A ""big"", lamp",6,12/1/2010 8:26,2.55,17850,=SUM(A1)']]);
    const json = bytes(HEADER, `${A},3,,,1,X,,6,,2.55,,"Côte d""Ivoire",`);
    expect(take(JSON_ROWS, json, of(A, refused(3, JSON_ROW)))).toEqual([
      [
        A,
        3,
        '{"invoice_no":"1","stock_code":"X","description":null,"quantity":"6","invoice_date":null,"unit_price":"2.55","customer_id":null,"country":"Côte d\\"Ivoire"}',
      ],
    ]);
  });

  it('may have its rows and columns in another order, rows left out or emptied, no reasons, and no mark', () => {
    const table = Buffer.from(
      [
        ' LINE ,Chunk,text,country,customer_id,unit_price,invoice_date,quantity,description,stock_code,invoice_no',
        ',,,,,,,,,,',
        `9,${B},,Italy,17850,2.55,12/1/2010 8:26,1,,X,1`,
        '',
        `3,${A},,France,17850,2.55,12/1/2010 8:26,4,A lamp,X,1`,
      ].join('\n'),
    );
    expect(take(CSV, table, ...known)).toEqual([
      [B, 9, '1,X,,1,12/1/2010 8:26,2.55,17850,Italy'],
      [A, 3, '1,X,A lamp,4,12/1/2010 8:26,2.55,17850,France'],
    ]);
  });

  it('takes a corrected text as the row', () => {
    expect(take(CSV, bytes(HEADER, `${B},9,,,,,,,,,,,"${ROW}\n"`), ...known)).toEqual([[B, 9, ROW]]);
    const json = bytes(HEADER, `${A},3,,,,,,,,,,,"{""Invoice"":2}"`);
    expect(take(JSON_ROWS, json, of(A, refused(3, '{"Invoice"')))).toEqual([[A, 3, '{"Invoice":2}']]);
  });

  it('says nothing new with any of the texts that a row had', () => {
    const had = [of(A, refused(3, ROW)), of(A, refused(3, ROW.replace(',0,', ',5,')))];
    const table = (quantity: number) =>
      bytes(HEADER, `${A},3,,,1,X,A lamp,${quantity},12/1/2010 8:26,2.55,17850,France,`);
    expect([...take(CSV, table(0), ...had), ...take(CSV, table(5), ...had)]).toEqual([]);
    expect(take(CSV, table(6), ...had)).toEqual([[A, 3, '1,X,A lamp,6,12/1/2010 8:26,2.55,17850,France']]);
  });

  it('says nothing new with a text that a row has by now', () => {
    const table = bytes(HEADER, `${B},9,,,,,,,,,,,"${ROW}"`);
    expect(take(CSV, table, of(B, refused(9, '1,X')))).toEqual([[B, 9, ROW]]);
    expect(take(CSV, table, of(B, refused(9, '1,X')), of(B, refused(9, ROW)))).toEqual([]);
  });

  it('fills cells that are left out from the last text that a row had', () => {
    const had = [of(A, refused(3, ROW)), of(A, refused(3, ROW.replace('France', '')))];
    expect(take(CSV, bytes(HEADER, `${A},3,,,1,X,A lamp,6,12/1/2010 8:26,2.55,17850`), ...had)).toEqual([
      [A, 3, '1,X,A lamp,6,12/1/2010 8:26,2.55,17850,'],
    ]);
  });

  it('takes a row that is not refused any more for a correction: whoever carries it out knows it', () => {
    const row = `${A},44,,,1,X,A lamp,6,12/1/2010 8:26,2.55,17850,France,`;
    expect(take(CSV, bytes(HEADER, row), ...known)).toEqual([[A, 44, '1,X,A lamp,6,12/1/2010 8:26,2.55,17850,France']]);
    // A spreadsheet leaves the empty cells at the end of a row out.
    expect(take(CSV, bytes(HEADER, row.slice(0, -1).replace(',France', '')), ...known)).toEqual([
      [A, 44, '1,X,A lamp,6,12/1/2010 8:26,2.55,17850,'],
    ]);
  });

  it('is not told from the one that was written when only line ends are others, or empty cells at a row’s end are gone', () => {
    const rows = of(A, refused(2, '1,X,"two\r\nlines",0,d,1,2,'), refused(4, '"broken\r\n",7'));
    const table = bytes(HEADER, `${A},2,,,1,X,"two\nlines",0,d,1,2`, `${A},4,,,,,,,,,,,"""broken\n"",7"`);
    expect(take(CSV, table, rows)).toEqual([]);
    const edited = bytes(HEADER, `${A},2,,,1,X,"two\nlines",5,d,1,2`);
    expect(take(CSV, edited, rows)).toEqual([[A, 2, '1,X,"two\r\nlines",5,d,1,2,']]);
  });

  const good = `${A},3,,,1,X,A lamp,4,12/1/2010 8:26,2.55,17850,France,`;
  it.each<[string, string, number, string[]]>([
    ['no chunk', 'missing_column', 1, [HEADER.replace('chunk,', '')]],
    ['no line', 'missing_column', 1, [HEADER.replace('line,', '')]],
    ['no column of the contract', 'missing_column', 1, [HEADER.replace('country,', '')]],
    ['no text', 'missing_column', 1, [HEADER.replace(',text', '')]],
    ['another column', 'unknown_column', 1, [`${HEADER},colour`]],
    ['semicolons', 'unknown_column', 1, [HEADER.replaceAll(',', ';')]],
    ['a column twice', 'repeated_column', 1, [`${HEADER},Country`]],
    ['a row twice', 'invalid_parameter', 3, [HEADER, good, good.replace('lamp', 'bulb')]],
    ['a word for a line', 'invalid_parameter', 2, [HEADER, good.replace(',3,', ',three,')]],
    ['no number for a line', 'invalid_parameter', 2, [HEADER, good.replace(',3,', ',,')]],
    ['line 0', 'invalid_parameter', 2, [HEADER, good.replace(',3,', ',0,')]],
    ['half a line', 'invalid_parameter', 2, [HEADER, good.replace(',3,', ',3.5,')]],
    ['a line beyond all', 'invalid_parameter', 2, [HEADER, good.replace(',3,', ',12345678901,')]],
    ['a word for a chunk', 'invalid_parameter', 2, [HEADER, good.replace(A, 'the first')]],
    ['a chunk as a spreadsheet shortens it', 'invalid_parameter', 2, [HEADER, good.replace(A, '1.23E+31')]],
    ['more cells than columns', 'invalid_parameter', 2, [HEADER, `${good},x`]],
    ['a row that is cut short', 'invalid_parameter', 2, [HEADER, `${A},3,,,1,X,A lamp`]],
    ['a row that ends within its place', 'invalid_parameter', 3, [HEADER, good, `${B}`]],
    ['a row that ends before its chunk', 'invalid_parameter', 2, [`${HEADER.slice('chunk,'.length)},chunk`, '3']],
    ['a row of line ends alone', 'invalid_parameter', 2, [HEADER, '"\n",3']],
    ['a row without anything in it', 'invalid_parameter', 3, [HEADER, good, `${B},9,,,,,,,,,,,`]],
    ['both values and a text', 'invalid_parameter', 2, [HEADER, `${good}x`]],
    ['a text of two rows', 'invalid_parameter', 2, [HEADER, `${B},9,,,,,,,,,,,"1,X\n2,X"`]],
    ['a text of line ends', 'invalid_parameter', 2, [HEADER, `${B},9,,,,,,,,,,,"\n\n"`]],
    ['a text that never closes its quote', 'invalid_parameter', 2, [HEADER, `${B},9,,,,,,,,,,,"""1,X"`]],
    ['a quote that is never closed', 'unterminated_quote', 3, [HEADER, good, '"']],
    ['a header that never closes its quote', 'unterminated_quote', 1, ['"']],
  ])('with %s is refused, naming the line', (_, code, line, lines) => {
    const { facts, detail, ...found } = problem(() => take(CSV, bytes(...lines), ...known));
    expect([found.code, facts.line]).toEqual([code, line]);
    expect(detail).toContain(`ine ${line} `);
  });

  it('is refused when it is empty', () => {
    expect(problem(() => take(CSV, bytes())).code).toBe('empty_body');
  });

  it('is refused when it is not UTF-8, with what to do', () => {
    const table = Buffer.concat([bytes(HEADER), Buffer.from([0xe9])]);
    const { code, facts, detail } = problem(() => take(CSV, table));
    expect([code, facts.offset]).toEqual(['not_in_charset', table.length - 1]);
    expect(detail).toContain('CSV UTF-8');
  });

  it('is refused when it is over a limit', () => {
    expect(problem(() => take(CSV, Buffer.alloc(LIMITS.textBytes + 1))).code).toBe('too_large');
    const rows = Array.from({ length: LIMITS.rows + 1 }, (_, i) => `a,${i + 1},,,1`);
    expect(problem(() => take(CSV, bytes([HEADER, ...rows].join('\n')))).code).toBe('too_large');
    const long = bytes(HEADER, `${B},9,,,1,X,${'x'.repeat(LIMITS.rowCharacters)},1,d,1,1,1,`);
    expect(problem(() => take(CSV, long, ...known)).facts.line).toBe(2);
  });
});

describe('rows of any kind', () => {
  const value = fc
    .array(
      fc.constantFrom('a', 'B', '7', '.', '-', '+', '=', '@', ' ', ',', '"', '\n', '\r\n', "'", ';', 'é', '💡', '\t'),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join(''));
  const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const csvRow = fc.array(value, { minLength: 8, maxLength: 8 }).map((cells) => cells.map(quoted).join(','));
  const cell = fc.oneof(value, fc.constant(null), fc.integer(), fc.boolean(), fc.constant('\ud800'));
  const jsonRow = fc
    .dictionary(fc.constantFrom(...COLUMNS, 'Invoice', 'colour'), cell)
    .map((row) => JSON.stringify(row));
  const plain = value.map((text) => text.replace(/["\r\n]/g, '')).filter((text) => text.trim() !== '');
  const rowsOf = (row: fc.Arbitrary<string>) =>
    fc
      .uniqueArray(
        fc.tuple(
          fc.constantFrom(A, B),
          fc.integer({ min: 1, max: 50 }),
          fc.oneof({ weight: 4, arbitrary: row }, plain),
        ),
        {
          minLength: 1,
          selector: ([chunk, line]) => `${chunk} ${line}`,
        },
      )
      .map((rows) =>
        rows.map(([chunk, line, text]) => of(chunk, refused(line, text, { reason: 'a "reason",', field: '\n' }))),
      );

  it.each([
    ['CSV', CSV, csvRow],
    ['JSON', JSON_ROWS, jsonRow],
  ])('of %s come back as no corrections when nobody has edited them', (_, batch, row) => {
    fc.assert(
      fc.property(rowsOf(row), (rows) => {
        expect(take(batch, Buffer.from(tableOf(batch, rows)), ...rows)).toEqual([]);
      }),
    );
  });

  const printed = value.filter((text) => text.trim() !== '');
  it.each<[string, EditedBatch, (description: string) => string]>([
    ['CSV', CSV, (text) => `1,X,${quoted(text)},0,12/1/2010 8:26,2.55,17850,France`],
    [
      'JSON',
      JSON_ROWS,
      (description) =>
        JSON.stringify({ invoice_no: 1, stock_code: 'X', description, quantity: 0, Price: '2.55', country: 'France' }),
    ],
  ])('of %s are cleaned with exactly the values that they were given', (_, batch, row) => {
    const clean = datasets.get('transactions')!.cleaner(batch.format, batch.columns);
    fc.assert(
      fc.property(printed, printed, printed, (description, stock, country) => {
        const known = of(A, refused(5, row(description)));
        const table = tableOf(batch, [known]).split('\r\n')[0]!;
        const cells = ['1', stock, description, '3', '2010-12-01T08:26:00Z', '2.55', '17850', country];
        const edited = `${table}\r\n${[A, '5', '', '', ...cells, ''].map(quoted).join(',')}\r\n`;
        const [[, , now] = []] = take(batch, Buffer.from(edited), known);
        expect(clean(now!)).toMatchObject({
          kind: 'kept',
          row: {
            invoice_no: '1',
            stock_code: stock.trim(),
            description: description.trim(),
            quantity: 3,
            invoice_date: '2010-12-01T08:26:00Z',
            unit_price: '2.55',
            customer_id: '17850',
            country: country.trim(),
          },
        });
      }),
    );
  });
});
