import { createReadStream } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { unreachable } from './unreachable';

/** Where a file is to be sent, as POST /v1/uploads says. */
export interface Address {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const READ_BYTES = 1024 * 1024;
/** A connection on which nothing moves for so long is dead. */
const SILENCE_MS = 120_000;
/** The file is sent unasked after so long; what curl does. */
const NO_ANSWER_MS = 1000;

/** Sends a file to an address, and what is there to answer. @throws Unreachable, the signal's reason */
export async function put(
  path: string,
  { url, headers }: Address,
  onBytes: (sent: number) => void,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly said: string }> {
  try {
    const response = await answerOf(path, url, headers, onBytes, signal);
    return { status: response.statusCode!, said: await text(response) };
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, new Error('the PUT failed', { cause: error }));
  }
}

/** Asks first, as HTTP has it (RFC 9110, 10.1.1): a store that says no hears nothing of the file. */
function answerOf(
  path: string,
  url: string,
  headers: Address['headers'],
  onBytes: (sent: number) => void,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((answer, fail) => {
    const { request } = url.startsWith('https:') ? https : http;
    const asked = request(url, { method: 'PUT', headers: { ...headers, expect: '100-continue' }, signal });
    asked.setTimeout(SILENCE_MS, () => asked.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })));
    const send = () => {
      asked.off('continue', send);
      clearTimeout(late);
      const file = createReadStream(path, { highWaterMark: READ_BYTES });
      file.on('data', () => onBytes(file.bytesRead));
      pipeline(file, asked).catch(fail);
    };
    const late = setTimeout(send, NO_ANSWER_MS); // not everybody knows the question
    asked.once('continue', send).once('close', () => clearTimeout(late));
    asked.once('error', fail).once('response', (response) => {
      clearTimeout(late);
      answer(response);
    });
    asked.flushHeaders();
  });
}
