import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { INBOX, type InboxFile } from '../../domain/arrival';
import { refusedKey } from '../../domain/lake';
import { type Inbox, Unavailable } from '../../pipeline/ports';
import { unfinishedAt } from './lake';

const READ_BYTES = 256 * 1024;

/** Where the content type of an upload is kept: a folder has no place for it. */
export const contentTypeFile = (file: string): string => join(dirname(file), `.${basename(file)}.content-type`);

/**
 * The inbox as a folder. A file's version is when it was last changed and how large it is. Links are no files of it:
 * what is kept or removed would be the link, and who may write here may not have all read that we can read.
 */
export class InboxFolder implements Inbox {
  constructor(private readonly root: string) {}

  async look(key: string, version?: string): Promise<InboxFile | undefined> {
    const path = this.pathOf(key);
    const found = await unlessGone(() => lstat(path));
    if (!found?.isFile() || (version !== undefined && versionOf(found) !== version)) return undefined;
    const checksum = await unlessGone(() => sha256(path));
    if (checksum === undefined) return undefined;
    const contentType = (await unlessGone(() => readFile(contentTypeFile(path), 'utf8')))?.trim();
    return {
      key,
      version: versionOf(found),
      checksum,
      bytes: found.size,
      arrived_at: found.mtime.toISOString(),
      ...(contentType && { contentType }),
    };
  }

  /** What is read is the file's version or none: whoever changes it meanwhile has it taken as another one. */
  async *read({ key, version }: InboxFile, from: number): AsyncGenerator<Uint8Array> {
    const path = this.pathOf(key);
    try {
      await using file = await open(path);
      const isAsItWas = async () => versionOf(await file.stat()) === version;
      if (!(await isAsItWas())) throw new Error('it has changed');
      for await (const bytes of file.createReadStream({ start: from, highWaterMark: READ_BYTES, autoClose: false })) {
        if (!(await isAsItWas())) throw new Error('it was changed while it was read');
        yield bytes;
      }
      if (!(await isAsItWas())) throw new Error('it was changed while it was read'); // and ends sooner, perhaps
    } catch (cause) {
      throw new Unavailable(`${key} cannot be read`, { cause });
    }
  }

  async keepRefused(...[file, dataset, refusal]: Parameters<Inbox['keepRefused']>): Promise<string> {
    const kept = refusedKey(dataset, file);
    const to = join(this.root, kept.file);
    try {
      await mkdir(dirname(to), { recursive: true });
      await rm(to, { force: true });
      await sameFile(this.pathOf(file.key), to);
      await writeReason(join(this.root, kept.reason), { key: file.key, version: file.version, ...refusal });
    } catch (cause) {
      throw new Unavailable(`${file.key} cannot be kept as ${kept.file}`, { cause });
    }
    return kept.file;
  }

  async remove({ key, version }: InboxFile): Promise<void> {
    const path = this.pathOf(key);
    const found = await unlessGone(() => lstat(path));
    if (!found || versionOf(found) !== version) return; // another one lies there by now
    await unlessGone(() => rm(path));
    await unlessGone(() => rm(contentTypeFile(path)));
  }

  /** @throws when the key leads out of the inbox */
  private pathOf(key: string): string {
    const folder = resolve(this.root, INBOX);
    const path = resolve(this.root, key);
    if (!path.startsWith(`${folder}${sep}`)) throw new Error(`${key} is no key of the inbox`);
    return path;
  }
}

/** A file's version, from what the folder says of it. */
export const versionOf = ({ mtimeMs, size }: Pick<Stats, 'mtimeMs' | 'size'>): string => `${mtimeMs}-${size}`;

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(bytes);
  return hash.digest('hex');
}

/** A second name costs nothing; a disk that has none gets a copy. */
async function sameFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

async function writeReason(path: string, reason: object): Promise<void> {
  const unfinished = unfinishedAt(path); // who waits for reasons finds a whole one
  await writeFile(unfinished, `${JSON.stringify(reason, null, 2)}\n`);
  await rename(unfinished, path);
}

/** A name that is too long, once something is added to it, is nobody's. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

async function unlessGone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (cause) {
    if (GONE.has((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new Unavailable('the inbox cannot be read', { cause });
  }
}
