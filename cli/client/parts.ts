import { createReadStream, statSync } from 'node:fs';
import type { BodyType } from '../../shared/domain/body';
import type { Charset } from '../../shared/domain/charset';
import * as file from '../../shared/domain/file';
import type { Part } from '../../shared/domain/parts';
import { Problem } from '../../shared/domain/problem';

/** A file that cannot be cut; the message says where. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}

export interface FileOptions {
  readonly path: string;
  readonly charset: Charset;
  /** By default told by the file's name, else by its first character. */
  readonly type?: BodyType | undefined;
  readonly partBytes?: number | undefined;
}

const READ_BYTES = 256 * 1024;

const sourceOf = (path: string): file.FileSource => ({
  bytes: statSync(path).size,
  read: (start) => createReadStream(path, { start, highWaterMark: READ_BYTES }),
});

/** SHA-256 of a file's decompressed bytes, by which the ledger knows it. @throws FileRefused */
export async function hashOf(path: string): Promise<string> {
  return refusing(path, () => file.hashOf(sourceOf(path)));
}

/** Walks over a file once for its hash and its number of parts. What `onBytes` throws ends the walk. @throws FileRefused */
export async function survey(options: FileOptions, onBytes?: () => void): Promise<file.FileFacts> {
  const { path, ...how } = options;
  return refusing(path, () => file.survey(sourceOf(path), { ...how, name: path, ...(onBytes && { onBytes }) }));
}

/** Cuts a file (plain, gzip or zstd) into parts as it is read; the same file always gives the same parts. @throws FileRefused */
export async function* partsOf(options: FileOptions, onText: () => void = () => undefined): AsyncGenerator<Part> {
  const { path, ...how } = options;
  const parts = file.partsOf(sourceOf(path), { ...how, name: path });
  for (;;) {
    const { value, done } = await refusing(path, () => parts.next());
    if (done) return;
    onText();
    yield value;
  }
}

async function refusing<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    const hint = cause.code === 'not_in_charset' ? ' Name its charset with --charset.' : '';
    throw new FileRefused(`${path}: ${cause.detail}${hint}`, { cause });
  }
}
