import type { Meter } from '../../domain/meters';

/* What every stage may ask for: the time, who asks, and a place to say something. */

export interface Clock {
  now(): Date;
}

/** Where people sign in: what a browser has to know of it. No secret is in it. */
export interface SignIn {
  /** Addresses of the OAuth 2.0 code flow with PKCE (RFC 6749, 7636), and of signing out. */
  readonly authorize: string;
  readonly token: string;
  readonly logout: string;
  readonly client_id: string;
  readonly scope: string;
}

/** Access tokens. */
export interface Tokens {
  /** The claims of a token whose signature, issuer, client, use and time are right; undefined otherwise. */
  verify(token: string): Promise<Claims | undefined>;
}

/** What a verified access token says of its bearer. */
export interface Claims {
  readonly sub: string;
  readonly client_id: string;
  /** A person's groups. */
  readonly groups: readonly string[];
  /** A machine's scopes. */
  readonly scopes: readonly string[];
}

/** What a line of the log is about. */
export interface Facts {
  readonly batch_id?: string | undefined;
  readonly chunk_id?: string | undefined;
  readonly dataset?: string | undefined;
  readonly [name: string]: unknown;
}

/** What the machine says of itself: lines of JSON, and numbers. Nothing of a row's content. */
export interface Telemetry {
  log(level: 'info' | 'warn' | 'error', message: string, facts: Facts): void;
  /** Adds values to meters, of a data set where they have one. */
  measure(values: Partial<Readonly<Record<Meter, number>>>, dataset?: string): void;
  /** What was measured so far; undefined where another service keeps it. */
  read(): Promise<readonly Measured[] | undefined>;
}

/** A meter's values, added up since the data directory was made. */
export interface Measured {
  readonly meter: Meter;
  readonly dataset: string | null;
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  readonly last: number;
  /** ISO. */
  readonly last_at: string;
}
