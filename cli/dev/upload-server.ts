import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { contentTypeFile } from '../../shared/adapters/local/inbox';
import {
  ensureUploadSecret,
  isSigned,
  type Ticket,
  UPLOADS_PATH,
  uploadPortFile,
} from '../../shared/adapters/local/uploads';
import { INBOX } from '../../shared/domain/arrival';
import type { Clock } from '../../shared/pipeline/ports';
import { closed, listenAgain } from './listen';

/** A file on its way in: hidden, and no name that the inbox looks at. */
const unfinishedAt = (file: string) => join(dirname(file), `.${basename(file)}.${randomUUID()}.upload`);
const UNFINISHED = `${INBOX}/*/.*.upload`;

/** 5 GB over a slow disk or a slow program; Node's own is five minutes. */
const LONGEST_PUT_MS = 3600_000;
/** A client that is told no while it sends gets so long to hear it. */
const LAST_WORD_MS = 1000;

/** A PUT that is refused: the status that S3 has for it, and what to do. */
class NotTaken extends Error {
  override readonly name = 'NotTaken';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * What takes uploads on a laptop: `PUT` to a signed address puts a file into the inbox of the data directory, as S3
 * does. It comes back to the port that the directory's last one had; when that is taken, to a free one.
 */
export async function startUploadServer(
  directory: string,
  clock: Clock,
): Promise<{ url: string; close(): Promise<void> }> {
  for await (const file of glob(UNFINISHED, { cwd: directory })) await rm(join(directory, file)); // of a killed one
  ensureUploadSecret(directory);
  const door = new Door(directory, clock);
  const server = createServer();
  server.requestTimeout = LONGEST_PUT_MS;
  server.on('request', (request, response) => void door.answer(request, response));
  // A client that asks first, as curl does with large files, hears no before it has sent anything.
  server.on(
    'checkContinue',
    (request, response) => void door.answer(request, response, () => response.writeContinue()),
  );

  const port = await listenAgain(server, uploadPortFile(directory));
  return { url: `http://127.0.0.1:${port}${UPLOADS_PATH}`, close: () => closed(server) };
}

class Door {
  /** Files on their way in: of two at once only one is taken. */
  private readonly coming = new Set<string>();

  constructor(
    private readonly directory: string,
    private readonly clock: Clock,
  ) {}

  async answer(request: IncomingMessage, response: ServerResponse, goOn = () => undefined as unknown): Promise<void> {
    try {
      const { file, contentType } = this.admit(request);
      this.coming.add(file);
      try {
        goOn();
        await take(request, file, contentType);
      } finally {
        this.coming.delete(file);
      }
      response.writeHead(200).end();
    } catch (error) {
      if (error instanceof NotTaken) say(request, response, error);
      else if (request.errored)
        response.destroy(); // its sender went away, and may come again
      else {
        console.error(error);
        say(request, response, new NotTaken(500, 'The file could not be written; the terminal of npm start says why.'));
      }
    }
  }

  /** What may come in, and where it goes. @throws NotTaken */
  private admit(request: IncomingMessage): { file: string; contentType: string } {
    const { ticket, signature } = ticketOf(request);
    if (!isSigned(this.directory, ticket, signature) || request.headers['if-none-match'] !== '*')
      throw new NotTaken(
        403,
        'The address was not made by this npm start, or not for these headers: send those that came with it.',
      );
    if (this.clock.now().getTime() / 1000 >= ticket.expires)
      throw new NotTaken(403, 'The time of the address is over. Ask POST /v1/uploads for another one.');

    const file = resolve(this.directory, ticket.key);
    if (!file.startsWith(`${resolve(this.directory, INBOX)}${sep}`))
      throw new NotTaken(403, 'That is no place of the inbox.');
    const { 'content-length': length } = request.headers;
    if (length === undefined) throw new NotTaken(411, 'Say how long the file is: Content-Length.');
    if (Number(length) !== ticket.bytes)
      throw new NotTaken(400, `The address takes a file of ${ticket.bytes} bytes, and this one has ${length}.`);
    if (this.coming.has(file)) throw new NotTaken(409, 'A file is on its way to this address.');
    if (existsSync(file)) throw new NotTaken(412, 'The address has been used. Ask POST /v1/uploads for another one.');
    return { file, contentType: ticket.contentType };
  }
}

/** What a request says that it may put. @throws NotTaken */
function ticketOf({ method, url = '', headers }: IncomingMessage): { ticket: Ticket; signature: string } {
  if (method !== 'PUT' || !url.startsWith(UPLOADS_PATH))
    throw new NotTaken(404, 'There is nothing here but PUT /uploads/KEY.');
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  const number = (name: string) => Number(searchParams.get(name) ?? Number.NaN);
  return {
    ticket: {
      key: decoded(pathname.slice(UPLOADS_PATH.length)),
      bytes: number('bytes'),
      contentType: headers['content-type'] ?? '',
      expires: number('expires'),
    },
    signature: searchParams.get('signature') ?? '',
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new NotTaken(400, 'The address is no address.'); // a broken percent sign, which is all there is to say
  }
}

/** Streams a body to its file, which is there whole or not at all. */
async function take(request: IncomingMessage, file: string, contentType: string): Promise<void> {
  const unfinished = unfinishedAt(file);
  try {
    await mkdir(dirname(file), { recursive: true });
    await using whole = await open(unfinished, 'wx');
    // The request outlives a disk that is full: its sender is to hear of it.
    for await (const bytes of request.iterator({ destroyOnReturn: false })) await whole.writeFile(bytes);
    await writeFile(contentTypeFile(file), contentType);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Answers no, and does not wait for the rest of what is sent. */
function say(request: IncomingMessage, response: ServerResponse, { status, message }: NotTaken): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
  if (request.complete) return;
  request.resume(); // a connection that is closed while its client writes takes the answer with it
  setTimeout(() => request.complete || request.destroy(), LAST_WORD_MS).unref();
}
