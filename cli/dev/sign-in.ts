import { createHash, randomBytes } from 'node:crypto';
import { type Issuer, PEOPLE } from '../../shared/adapters/local/tokens';
import type { Clock } from '../../shared/pipeline/ports';

/** A request to sign in, or to sign out, that is not the dashboard's: it is shown to whoever sent it, and leads nowhere. */
export class SignInRefused extends Error {
  override readonly name = 'SignInRefused';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** What the dashboard asks for, checked. */
export interface SignInRequest {
  readonly redirect_uri: string;
  readonly state: string;
  readonly challenge: string;
  readonly nonce: string | undefined;
}

/** Somebody who signed in, until the dashboard fetches the tokens. */
interface Grant extends SignInRequest {
  readonly user: string;
  readonly expires: number;
}

const CODE_MS = 60_000;
/** Wrong passwords in a while, of all people together: a password is 80 random bits, and still nobody shall go on guessing. */
const MOST_FAILURES = 10;
const FAILURES_MS = 5 * 60_000;

/**
 * The authorization code grant with PKCE (RFC 6749, 7636) for the one client of people, as Cognito's hosted page has it.
 * A code is good once, for a minute, for the address and the challenge that it was asked with.
 */
export class SignIn {
  private readonly codes = new Map<string, Grant>();
  private failures: number[] = [];

  /** @param addresses of the dashboard: nobody is sent to another, and no other page gets to read a token */
  constructor(
    private readonly issuer: Issuer,
    readonly addresses: readonly string[],
    private readonly clock: Clock,
  ) {}

  /** @throws SignInRefused */
  requested(query: URLSearchParams): SignInRequest {
    const redirect_uri = this.addressed(query, 'redirect_uri');
    const asked = (name: string, form: RegExp) => {
      const value = one(query, name);
      if (value === undefined || !form.test(value)) throw new SignInRefused(400, `${name} is missing or wrong.`);
      return value;
    };
    asked('response_type', /^code$/);
    asked('code_challenge_method', /^S256$/);
    return {
      redirect_uri,
      state: asked('state', /^[\x21-\x7e]{1,512}$/),
      challenge: asked('code_challenge', /^[\w-]{43}$/),
      nonce: query.has('nonce') ? asked('nonce', /^[\x21-\x7e]{1,512}$/) : undefined,
    };
  }

  /** Where somebody is sent who signed out. @throws SignInRefused */
  left(query: URLSearchParams): string {
    return this.addressed(query, 'logout_uri');
  }

  private addressed(query: URLSearchParams, name: string): string {
    if (one(query, 'client_id') !== PEOPLE) throw new SignInRefused(400, 'There is no such client.');
    const address = this.addresses.find((known) => known === one(query, name));
    if (address === undefined) throw new SignInRefused(400, `${name} is no address of the dashboard.`);
    return address;
  }

  /** The address with the code that a person is sent back to; undefined when the password is wrong. @throws SignInRefused */
  enter(request: SignInRequest, user: string, password: string): string | undefined {
    const now = this.clock.now().getTime();
    this.failures = this.failures.filter((at) => at > now - FAILURES_MS);
    if (this.failures.length >= MOST_FAILURES)
      throw new SignInRefused(429, 'Too many wrong passwords. Wait for five minutes.');
    if (!this.issuer.isPerson(user, password)) {
      this.failures.push(now);
      return undefined;
    }
    for (const [code, { expires }] of this.codes) if (expires <= now) this.codes.delete(code);
    const code = randomBytes(32).toString('base64url');
    this.codes.set(code, { ...request, user, expires: now + CODE_MS });
    return `${request.redirect_uri}?${new URLSearchParams({ code, state: request.state })}`;
  }

  /** The tokens for a code; undefined when it is not good, from then on for nobody. */
  async exchange(form: URLSearchParams): Promise<Awaited<ReturnType<Issuer['forPerson']>> | undefined> {
    const code = one(form, 'code') ?? '';
    const grant = this.codes.get(code);
    this.codes.delete(code);
    const verifier = one(form, 'code_verifier') ?? '';
    const good =
      grant !== undefined &&
      grant.expires > this.clock.now().getTime() &&
      one(form, 'client_id') === PEOPLE &&
      one(form, 'redirect_uri') === grant.redirect_uri &&
      /^[\w.~-]{43,128}$/.test(verifier) &&
      createHash('sha256').update(verifier).digest('base64url') === grant.challenge;
    return good ? this.issuer.forPerson(grant.user, grant.nonce) : undefined;
  }
}

/** A parameter that is there once: which of two is meant, nobody knows. */
function one(params: URLSearchParams, name: string): string | undefined {
  const values = params.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
