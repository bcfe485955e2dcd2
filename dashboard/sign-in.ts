/*
 * Signing in by the authorization code flow with PKCE (RFC 7636) on somebody else's page: Cognito's, or the embedded
 * issuer's. The token stays in this tab's session storage, is never in an address, and is not renewed: when it ends, its
 * owner signs in again and comes back to the same view.
 */

/** What /config.json says. */
export interface Place {
  readonly authorize: string;
  readonly token: string;
  readonly logout: string;
  readonly client_id: string;
  readonly scope: string;
}

/** Somebody who is signed in. */
export interface Session {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

/** What is kept while somebody is away on the sign-in page. */
interface Trip {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The view to come back to: the hash of the address. */
  readonly view: string;
}

const SESSION = 'ecomflow.session';
const TRIP = 'ecomflow.sign-in';
/** A token that ends while a request is on its way is one that has ended. */
const MARGIN_MS = 10_000;

const home = () => `${location.origin}/`;

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The session of this tab, unless it has ended. */
export function session(): Session | undefined {
  const found = kept<Session>(SESSION);
  return found && found.ends > Date.now() + MARGIN_MS ? found : undefined;
}

export const forget = (): void => sessionStorage.removeItem(SESSION);

/** Leaves for the sign-in page. */
export async function signIn(place: Place): Promise<void> {
  const trip: Trip = { state: random(), nonce: random(), verifier: random(), view: location.hash };
  sessionStorage.setItem(TRIP, JSON.stringify(trip));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(trip.verifier));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: place.client_id,
    redirect_uri: home(),
    scope: place.scope,
    state: trip.state,
    nonce: trip.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  });
  location.assign(`${place.authorize}?${query}`);
}

/** Leaves for the sign-in page's way out. */
export function signOut(place: Place): void {
  forget();
  const query = new URLSearchParams({ client_id: place.client_id, logout_uri: home() });
  location.assign(`${place.logout}?${query}`);
}

/**
 * Ends what signIn began, when the address says that somebody comes back. The code leaves the address at once, whatever
 * comes of it. What to tell the person when nothing does.
 */
export async function comeBack(place: Place): Promise<string | undefined> {
  const query = new URLSearchParams(location.search);
  if (!query.has('code') && !query.has('error')) return undefined;
  const trip = kept<Trip>(TRIP);
  sessionStorage.removeItem(TRIP);
  history.replaceState(null, '', `/${trip?.view ?? ''}`);
  if (trip === undefined || query.get('state') !== trip.state)
    return 'You came back from a sign-in that did not begin here. Please sign in again.';
  if (query.has('error')) return 'The sign-in page did not let you in. Please try again.';

  const answer = await fetch(place.token, {
    method: 'POST',
    credentials: 'omit',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: place.client_id,
      redirect_uri: home(),
      code: query.get('code') ?? '',
      code_verifier: trip.verifier,
    }),
  }).catch(() => undefined);
  if (!answer?.ok) return 'The sign-in did not come to an end. Please try again.';
  const { access_token, id_token, expires_in } = (await answer.json()) as {
    access_token: string;
    id_token?: string;
    expires_in: number;
  };
  if (id_token !== undefined && nonceOf(id_token) !== trip.nonce)
    return 'The sign-in was answered with somebody else’s. Please sign in again.';
  const begun: Session = { token: access_token, ends: Date.now() + expires_in * 1000 };
  sessionStorage.setItem(SESSION, JSON.stringify(begun));
  return undefined;
}

/** Read without a check of the signature: it came from the token's address itself, over this page's own request. */
function nonceOf(id_token: string): unknown {
  const payload = (id_token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  return (JSON.parse(atob(payload)) as { nonce?: unknown }).nonce;
}

function kept<T>(name: string): T | undefined {
  const text = sessionStorage.getItem(name);
  return text === null ? undefined : (JSON.parse(text) as T);
}
