import { CsvRows } from './csv';
import { JsonArrayRows } from './json';

/** Text of one part: it fits a request even where it does not compress. */
export const PART_BYTES = 3_750_000;
/** Rows of one part: tiny ones make no more than a request may have. */
const PART_ROWS = 500_000;

/** A slice of a file, cut between rows, ready to be sent as one request. */
export interface Part {
  /** Counted from 1. */
  readonly number: number;
  /** For CSV with the file's header in front. */
  readonly text: string;
  readonly rows: number;
  /** Line of the file (or place in its array) of the part's first row. */
  readonly line: number;
}

/** A row that never ends, as far as a part can tell. */
export class EndlessRow extends Error {
  override readonly name = 'EndlessRow';
  constructor(readonly line: number) {
    super(`the row in line ${line} is longer than ${PART_BYTES} characters, or a quote in it is never closed`);
  }
}

/** Cuts a text that arrives in pieces into parts; the same text always gives the same parts. */
export interface Cutter {
  /** The parts that this piece completes. @throws EndlessRow, BrokenArray */
  push(text: string): Part[];
  /** What is left when the text is over. @throws UnterminatedQuote, BrokenArray */
  end(): Part[];
  /** What is left when the text breaks off: whole rows only. */
  breakOff(): Part[];
}

/** The cutter for a type of file. `onRow` hears of each row, with its line end, and its line. */
export function cutter(
  type: 'csv' | 'json' | 'ndjson',
  most: number = PART_BYTES,
  onRow: (text: string, line: number) => void = () => undefined,
): Cutter {
  return type === 'json' ? new ArrayCutter(most, onRow) : new LineCutter(most, onRow, type === 'csv');
}

/** Gathers rows until a part is full. */
abstract class Gathering {
  protected header = '';
  private pieces: string[] = [];
  private bytes = 0;
  private line = 0;
  private number = 0;

  constructor(
    private readonly most: number,
    private readonly onRow: (text: string, line: number) => void,
  ) {}

  /** Adds a row with its line end; the part before it, when the row did not fit any more. */
  protected add(row: string, line: number): Part[] {
    this.onRow(row, line);
    const bytes = Buffer.byteLength(row);
    const full = this.pieces.length > 0 && (this.bytes + bytes > this.most || this.pieces.length === PART_ROWS);
    const parts = full ? [this.finish()] : [];
    if (this.pieces.length === 0) this.line = line;
    this.pieces.push(row);
    this.bytes += bytes;
    return parts;
  }

  breakOff(): Part[] {
    return this.pieces.length > 0 ? [this.finish()] : [];
  }

  private finish(): Part {
    this.number++;
    const { number, pieces, line } = this;
    const part = { number, text: this.header + pieces.join(''), rows: pieces.length, line };
    this.pieces = [];
    this.bytes = 0;
    return part;
  }
}

/** CSV and NDJSON: rows end with lines, for CSV outside of quotes. */
class LineCutter extends Gathering implements Cutter {
  private rest = '';
  private nextLine = 1;
  private hasHeader: boolean;

  constructor(
    most: number,
    onRow: (text: string, line: number) => void,
    private readonly csv: boolean,
  ) {
    super(most, onRow);
    this.hasHeader = !csv;
  }

  push(text: string): Part[] {
    return this.take(text, true);
  }

  end(): Part[] {
    return [...this.take('', false), ...this.breakOff()];
  }

  private take(piece: string, open: boolean): Part[] {
    const text = this.rest + piece;
    const rows = new CsvRows(this.csv ? text : quoteless(text), this.nextLine, open);
    const parts: Part[] = [];
    for (let row = rows.next(); row; row = rows.next()) {
      const written = `${text.slice(row.start, row.end)}\n`;
      if (this.hasHeader) parts.push(...this.add(written, row.line));
      else {
        this.header = written;
        this.hasHeader = true;
      }
    }
    this.rest = text.slice(rows.position);
    this.nextLine = rows.currentLine;
    if (this.rest.length > PART_BYTES) throw new EndlessRow(this.nextLine);
    return parts;
  }
}

/** For walking over NDJSON by lines: quotes mean nothing there. */
const quoteless = (text: string) => text.replaceAll('"', "'");

class ArrayCutter extends Gathering implements Cutter {
  private readonly array = new JsonArrayRows();
  private seen = 0;

  push(text: string): Part[] {
    const parts = this.array.push(text).flatMap((row) => this.add(`${row}\n`, ++this.seen));
    if (this.array.open > PART_BYTES) throw new EndlessRow(this.seen + 1);
    return parts;
  }

  end(): Part[] {
    this.array.end();
    return this.breakOff();
  }
}
