import { createHash, hash } from 'node:crypto';

/** U+001F, the unit separator, which no cleaned text contains. */
export const SEPARATOR = '\u001f';

/**
 * A row's identity: the first 32 hex digits of SHA-256 over its canonical values in the contract's identity order,
 * joined by U+001F; null is the empty text.
 */
export function lineId(canonicalValues: string): string {
  return hash('sha256', canonicalValues).slice(0, 32);
}

/** What makes a batch the same batch when it is sent again. */
export interface BatchContent {
  readonly dataset: string;
  readonly format: string;
  /** Decoded text of the body, without a byte order mark. */
  readonly text: string;
  /** The file's hash and the part, when the body is part of a file. */
  readonly file?: { readonly hash: string; readonly part: number } | undefined;
}

/** 32 hex digits made from the content alone. */
export function batchId({ dataset, format, text, file }: BatchContent): string {
  const origin = file ? `${file.hash}/${file.part}` : '';
  return createHash('sha256').update(`${dataset}\n${format}\n${origin}\n`).update(text).digest('hex').slice(0, 32);
}

/** The part of a chunk's id that is made from its bytes: 12 hex digits. */
export function digestOf(bytes: Uint8Array): string {
  return hash('sha256', bytes).slice(0, 12);
}

/** Made from the batch, the chunk's first line and its bytes, so that the same slice always has the same id. */
export function chunkId(batch: string, firstLine: number, digest: string): string {
  return `${batch}-${firstLine}-${digest}`;
}
