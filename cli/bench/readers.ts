import { parse as csvParse } from 'csv-parse/sync';
import Papa from 'papaparse';
import { inferSchema, initParser } from 'udsv';
import { CsvRows, csvFields, UnterminatedQuote } from '../../shared/domain/csv';

/** A row as a reader tells of it; what it cannot tell is left out. */
export interface ReadRow {
  readonly fields: readonly string[];
  readonly text?: string;
  readonly line?: number;
}

/** What a reader makes of a text. A fault may know the line it is in. */
export interface Reading {
  readonly rows: readonly ReadRow[];
  readonly fault?: { readonly line?: number | undefined };
}

export interface Reader {
  readonly name: string;
  /** Fields of all rows of a text without header: all that speed is measured on. */
  readonly count: (text: string) => number;
  /** The rows behind the header with all that the reader can tell. @throws whatever the reader throws */
  readonly read: (text: string) => Reading;
}

const lineAt = (text: string, offset: number) => text.slice(0, offset).split('\n').length;
const fieldsIn = (rows: readonly (readonly unknown[])[]) => rows.reduce((sum, row) => sum + row.length, 0);

export const OURS: Reader = {
  name: 'ours (CsvRows, csvFields)',
  count(text) {
    const rows = new CsvRows(text);
    let fields = 0;
    for (let row = rows.next(); row; row = rows.next()) fields += csvFields(text.slice(row.start, row.end)).length;
    return fields;
  },
  read(text) {
    const rows: ReadRow[] = [];
    try {
      const borders = new CsvRows(text);
      for (let row = borders.next(); row; row = borders.next()) {
        const own = text.slice(row.start, row.end);
        rows.push({ fields: csvFields(own), text: own, line: row.line });
      }
      return { rows: rows.slice(1) };
    } catch (error) {
      if (error instanceof UnterminatedQuote) return { rows: rows.slice(1), fault: { line: error.line } };
      throw error;
    }
  },
};

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const SAMPLE = `${HEADER}\n1,"a, b",c,1,12/1/2010 8:26,2.55,17850,d\n`;

export const UDSV: Reader = {
  name: 'uDSV',
  count(text) {
    // `skip`, the lines of the header, is not among its published types.
    const schema = Object.assign(inferSchema(SAMPLE), { skip: 0 });
    return fieldsIn(initParser(schema).stringArrs(text));
  },
  read: (text) => ({
    rows: initParser(inferSchema(text))
      .stringArrs(text)
      .map((fields) => ({ fields })),
  }),
};

const papaFault = (text: string, errors: readonly Papa.ParseError[]) => {
  const quotes = errors.find(({ type }) => type === 'Quotes');
  return quotes && { line: quotes.index === undefined ? undefined : lineAt(text, quotes.index) };
};

export const PAPA: Reader = {
  name: 'PapaParse',
  count: (text) => fieldsIn(Papa.parse<string[]>(text, { delimiter: ',', skipEmptyLines: true }).data),
  read(text) {
    const { data, errors } = Papa.parse<string[]>(text, { delimiter: ',', skipEmptyLines: true });
    const fault = papaFault(text, errors);
    return { rows: data.slice(1).map((fields) => ({ fields })), ...(fault && { fault }) };
  },
};

/** Row by row, where its cursor tells where a row ends; text and line are cut and counted by its user. */
function papaSteps(text: string, onRow: (row: ReadRow) => void): Papa.ParseError[] {
  const faults: Papa.ParseError[] = [];
  let from = 0;
  let line = 1;
  Papa.parse<string[]>(text, {
    delimiter: ',',
    step({ data, errors, meta }) {
      faults.push(...errors);
      const own = text.slice(from, meta.cursor).replace(/\r?\n$/, '');
      if (own !== '') onRow({ fields: data, text: own, line });
      for (let at = text.indexOf('\n', from); at !== -1 && at < meta.cursor; at = text.indexOf('\n', at + 1)) line++;
      from = meta.cursor;
    },
  });
  return faults;
}

export const PAPA_STEPS: Reader = {
  name: 'PapaParse, a step for each row',
  count(text) {
    let fields = 0;
    papaSteps(text, (row) => {
      fields += row.fields.length;
    });
    return fields;
  },
  read(text) {
    const rows: ReadRow[] = [];
    const fault = papaFault(
      text,
      papaSteps(text, (row) => rows.push(row)),
    );
    return { rows: rows.slice(1), ...(fault && { fault }) };
  },
};

export const CSV_PARSE: Reader = {
  name: 'csv-parse',
  count: (text) => fieldsIn(csvParse(text)),
  read: (text) => ({
    rows: csvParse(text, { skip_empty_lines: true })
      .slice(1)
      .map((fields) => ({ fields })),
  }),
};

interface Told {
  readonly record: string[];
  readonly raw: string;
  readonly info: { readonly lines: number };
}

const TELLING = {
  raw: true,
  info: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
} as const;

/** With every option that makes it tell more, or refuse less. */
export const CSV_PARSE_TELLING: Reader = {
  name: 'csv-parse with raw, info and relax',
  count: (text) => fieldsIn((csvParse(text, TELLING) as unknown as Told[]).map(({ record }) => record)),
  read(text) {
    try {
      const told = csvParse(text, TELLING) as unknown as Told[];
      const rows = told.map(({ record, raw, info }) => {
        const own = raw.replace(/^(\r?\n)+|\r?\n$/g, ''); // empty lines come with the row behind them
        return { fields: record, text: own, line: info.lines - own.split('\n').length + 1 };
      });
      return { rows: rows.slice(1) };
    } catch (error) {
      return { rows: [], fault: { line: (error as { lines?: number }).lines } };
    }
  },
};

export const READERS: readonly Reader[] = [OURS, UDSV, PAPA, PAPA_STEPS, CSV_PARSE, CSV_PARSE_TELLING];
