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

  /**
   * Adds a row with its line end; the part before it, when the row did not fit any more. Empty lines in front of it are
   * kept within a part, or the lines behind them would be told wrong.
   */
  protected add(row: string, line: number, emptyLines = 0): Part[] {
    this.onRow(row, line);
    const bytes = Buffer.byteLength(row) + emptyLines;
    const full = this.pieces.length > 0 && (this.bytes + bytes > this.most || this.pieces.length === PART_ROWS);
    const parts = full ? [this.finish()] : [];
    const isFirst = this.pieces.length === 0;
    if (isFirst) this.line = line;
    this.pieces.push(isFirst || emptyLines === 0 ? row : '\n'.repeat(emptyLines) + row);
    this.bytes += isFirst ? bytes - emptyLines : bytes;
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
  /** The beginning of a row, and what came since it was looked through. */
  private rest = '';
  private fresh = '';
  private nextLine = 1;
  /** The line behind the last row. */
  private behind = 1;
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
    this.fresh += text;
    // A row that is not whole is looked through again when it has doubled: each time would cost its length squared.
    const canWait = this.fresh.length < this.rest.length && this.rest.length + this.fresh.length <= PART_BYTES;
    return canWait ? [] : this.take(true);
  }

  end(): Part[] {
    return [...this.take(false), ...super.breakOff()];
  }

  override breakOff(): Part[] {
    return [...this.take(true), ...super.breakOff()];
  }

  private take(open: boolean): Part[] {
    const text = this.rest + this.fresh;
    this.fresh = '';
    const rows = new CsvRows(text, this.nextLine, open, this.csv);
    const parts: Part[] = [];
    for (let row = rows.next(); row; row = rows.next()) {
      const written = `${text.slice(row.start, row.end)}\n`;
      if (!this.csv && written.trim() === '') continue; // as ingest sees it: no row
      if (this.hasHeader) parts.push(...this.add(written, row.line, row.line - this.behind));
      else {
        this.header = written;
        this.hasHeader = true;
      }
      this.behind = rows.currentLine;
    }
    this.rest = text.slice(rows.position);
    this.nextLine = rows.currentLine;
    if (this.rest.length > PART_BYTES) throw new EndlessRow(this.nextLine);
    return parts;
  }
}

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
