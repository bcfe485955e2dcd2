import { forget, session } from './sign-in';

/** An answer of the API that is no answer to the question; `message` is meant for the person. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Nobody is signed in, or not any more. */
export class SignedOut extends Error {
  override readonly name = 'SignedOut';
}

const AT_ONCE = 4;
/** Statuses of what passes: too many requests, and an answer that is not ready yet. */
const PASSING = [429, 502, 503, 504];
const MOST_TRIES = 8;
const PAUSE_MS = 3000;

let running = 0;
const waiting: (() => void)[] = [];

/** A few at a time: what a page asks for at once shall not take the API from others. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** Asks the API. @throws SignedOut, Refused, AbortError */
export const ask = (path: string, signal?: AbortSignal): Promise<Response> =>
  inTurn(async () => {
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted();
      const answer = await once(path, signal);
      if (answer.ok) return answer;
      if (answer.status === 401) {
        forget();
        throw new SignedOut();
      }
      if (!PASSING.includes(answer.status) || tries === MOST_TRIES) throw await refusal(answer);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  });

async function once(path: string, signal: AbortSignal | undefined): Promise<Response> {
  const current = session();
  if (!current) throw new SignedOut();
  const headers = { authorization: `Bearer ${current.token}` };
  try {
    return await fetch(path, { headers, credentials: 'omit', signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused('The service cannot be reached. Is the connection there?', 0);
  }
}

async function refusal(answer: Response): Promise<Refused> {
  if (answer.status === 403)
    return new Refused('Your account may not read figures. Ask an administrator for the group analyst.', 403);
  if (answer.status === 500) return new Refused('Something went wrong over there; it is written down.', 500);
  if (PASSING.includes(answer.status))
    return new Refused('The answer takes longer than usual. Try again in a while.', answer.status);
  const problem: unknown = await answer.json().catch(() => undefined);
  const detail = (problem as { detail?: unknown } | undefined)?.detail;
  return new Refused(typeof detail === 'string' ? detail : `The service answered ${answer.status}.`, answer.status);
}

export const asked = async <T>(path: string, signal?: AbortSignal): Promise<T> => (await ask(path, signal)).json();
