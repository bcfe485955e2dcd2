import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../..');

/** Every document of the repository that is written for people. */
export const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/alerts.md',
  'docs/configuration.md',
  'docs/contracts.md',
  'docs/data-directory.md',
  'docs/insights.md',
  'docs/live.md',
  'docs/operations.md',
  'docs/reconcile.md',
  'docs/runbook.md',
  'docs/redrive.md',
  'docs/tools.md',
  'docs/warehouse.md',
];

export const documentNamed = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** A fenced block: what stands behind the opening fence, and its text. */
export interface Block {
  readonly info: string;
  readonly text: string;
  /** The document's line that it opens in, counted from 1. */
  readonly line: number;
}

/** The fenced blocks of a document in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; info: string; line: number; lines: string[] } | undefined;
  for (const [at, line] of markdown.split('\n').entries()) {
    const [, indent = '', info = ''] = /^( *)```(.*)$/.exec(line) ?? [];
    if (!open && /^ *```/.test(line)) open = { fence: `${indent}\`\`\``, info: info.trim(), line: at + 1, lines: [] };
    else if (open && line === open.fence) {
      blocks.push({ info: open.info, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open?.lines.push(line);
  }
  return blocks;
}

/** A document without its fenced blocks. */
export const proseOf = (markdown: string): string =>
  blocksOf(markdown).reduce((prose, { text }) => prose.replace(text, ''), markdown);

/** A command that `npm test` runs, with the answer that stands behind it, if one does. */
export interface Example {
  readonly command: string;
  readonly line: number;
  readonly answer?: Block;
}

/**
 * The examples of a document: blocks fenced as `sh`. The answer is the `json` or `text` block that comes next. What
 * must not be run is fenced as `console`.
 */
export function examplesOf(markdown: string): Example[] {
  const blocks = blocksOf(markdown);
  return blocks.flatMap(({ info, text, line }, at) => {
    if (info !== 'sh') return [];
    const next = blocks[at + 1];
    const answered = next && (next.info === 'json' || next.info === 'text');
    return [{ command: text, line, ...(answered && { answer: next }) }];
  });
}

/** True where a text is as shown; `…` stands for anything. */
export function isAsShown(actual: string, shown: string): boolean {
  const literal = shown.split('…').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('[^]*?')}$`).test(actual);
}

/** The actual value, with `…` wherever it is shown and stands for what is there: equal to what is shown if it fits. */
export function asShown(actual: unknown, shown: unknown): unknown {
  if (shown === '…' && typeof actual === 'object') return shown; // null is one, too
  if (typeof shown === 'string' && typeof actual === 'string') return isAsShown(actual, shown) ? shown : actual;
  if (Array.isArray(shown) && Array.isArray(actual)) return actual.map((value, i) => asShown(value, shown[i]));
  if (isObject(shown) && isObject(actual))
    return Object.fromEntries(Object.entries(actual).map(([key, value]) => [key, asShown(value, shown[key])]));
  return actual;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
