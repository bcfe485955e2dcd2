import { Broken, type Walk } from './walk';

const TIMEOUT_MS = 35_000; // the gateway's own is 30 s

/** An answer of the API: its status, and its body as JSON where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The stage's clock when it answered. */
  readonly at: Date;
}

/** One request, tried once: a smoke test hides no failure. `token` undefined sends none. */
export async function ask(
  { stage, signal }: Pick<Walk, 'stage' | 'signal'>,
  token: string | undefined,
  path: string,
  init: { readonly headers?: Readonly<Record<string, string>>; readonly bytes?: Buffer } = {},
): Promise<Answer> {
  const answer = await fetch(`${stage.api}/v1${path}`, {
    method: init.bytes ? 'POST' : 'GET',
    headers: { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(init.bytes && { body: init.bytes as Uint8Array<ArrayBuffer> }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const text = await answer.text();
  const date = Date.parse(answer.headers.get('date') ?? '');
  return { status: answer.status, body: parsed(text), text, at: Number.isNaN(date) ? new Date() : new Date(date) };
}

/** The answer to a GET that must be 200. @throws Broken */
export async function get(walk: Walk, path: string, token = walk.found.machine): Promise<Answer['body']> {
  const { status, body, text } = await ask(walk, token, path);
  if (status !== 200) throw new Broken(`GET ${path}: ${status} ${text.slice(0, 300)}`);
  return body;
}

function parsed(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Answer['body']) : {};
  } catch {
    return {}; // not JSON; `text` has it
  }
}
