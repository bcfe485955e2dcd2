/** Stable words that clients may branch on; the API document lists them. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Status and title of every problem that a request can meet (RFC 9457). */
export const PROBLEMS = {
  empty_body: { status: 400, title: 'The body has no rows' },
  unknown_column: { status: 400, title: 'The header names a column that the contract does not have' },
  missing_column: { status: 400, title: 'The header lacks a column of the contract' },
  repeated_column: { status: 400, title: 'The header names a column twice' },
  unterminated_quote: { status: 400, title: 'A quote is never closed' },
  broken_json: { status: 400, title: 'The body is not a JSON array of rows' },
  not_in_charset: { status: 400, title: 'The body is not in the declared charset' },
  broken_compression: { status: 400, title: 'The compressed body cannot be read' },
  damaged_text: { status: 400, title: 'The body was damaged on its way' },
  invalid_parameter: { status: 400, title: 'A parameter is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of ours' },
  unauthorized: { status: 401, title: 'A valid access token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  not_found: { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The request contradicts what is stored' },
  too_large: { status: 413, title: 'The body is over a limit' },
  unsupported_type: { status: 415, title: 'The content type is not taken' },
  too_much: { status: 422, title: 'The question is about more than may be read for an answer' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  try_later: { status: 503, title: 'The service is busy' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A request that is refused, with all that its sender needs to mend it. Its message is meant for clients. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    /** What is wrong with this request and what to do. */
    readonly detail: string,
    /** Facts for programs: a line, an offset, the accepted columns. */
    readonly facts: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The members of application/problem+json. */
  toJSON() {
    const { status, title } = PROBLEMS[this.code];
    return {
      type: `urn:ecomflow:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.detail,
      ...this.facts,
    };
  }
}
