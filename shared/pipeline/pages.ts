/** JSON of rows in one answer: Lambda's 6 MB, less what stands around them and what base64 or headers may take. */
const MOST_BYTES = 4_500_000;

/** Says whether another row fits into an answer; the first one always does. */
export class AnswerRoom {
  private bytes = 0;

  take(row: unknown): boolean {
    const first = this.bytes === 0;
    this.bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    return first || this.bytes <= MOST_BYTES;
  }
}

/** An answer that is an array; where it goes on is told beside it. */
export class List {
  constructor(
    readonly rows: readonly unknown[],
    readonly next_cursor: string | null,
  ) {}
}

/** An answer that is a file of CSV. */
export class Csv {
  constructor(
    readonly name: string,
    readonly text: string,
    /** Whether there are more rows than are in it. */
    readonly truncated: boolean,
  ) {}
}
