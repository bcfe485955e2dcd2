import type { Api } from './api';
import type { FileOptions } from './parts';
import { progress } from './progress';
import { type FileReport, fileReport, upload } from './upload';

/** A file's report costs the stage a look-up for each part: large files are asked for less often. */
const pollMs = (parts: number) => Math.min(Math.max(200, parts * 20), 5000);

/** What the ledger says of a file or a batch. */
export type Report = Omit<FileReport, 'parts' | 'batches' | 'file'>;

/** The ledger's last word on a file, and whether every row of the file has its outcome there. */
export interface Transferred<T extends Report = FileReport> {
  readonly report: T;
  /** Rows of the file, as we count them. */
  readonly rows: number;
  readonly whole: boolean;
}

/**
 * Sends a file and waits until every row has its outcome, a chunk has failed, or `patienceMs` ran out, showing both.
 * @throws FileRefused, KnownOtherwise, Refused, Unreachable, TokenRefused, the reason of the api's signal
 */
export async function transfer(api: Api, dataset: string, file: FileOptions, patienceMs: number): Promise<Transferred> {
  const sending = progress('Sending ', 'rows');
  let sent = 0;
  const { hash, rows, parts } = await upload(api, dataset, file, {
    surveyed(facts, already) {
      if (already > 0) console.error(`${already} of ${facts.parts} parts were sent before.`);
      sending.start(facts.rows, 0);
    },
    sent(part) {
      sent += part.rows;
      sending.update(sent);
    },
  }).finally(() => sending.stop());

  const deadline = Date.now() + patienceMs;
  const report = await untilCleaned(api, rows, () => fileReport(api, hash), pollMs(parts), deadline);
  return { report, rows, whole: report.balanced && report.received === rows };
}

/** Shows how many of the rows are cleaned until each has its outcome, a chunk has failed, or the time is over. */
export async function untilCleaned<T extends Report>(
  api: Api,
  rows: number,
  ask: () => Promise<T | undefined>,
  pollMs: number,
  deadline: number,
): Promise<T> {
  const cleaning = progress('Cleaning', 'rows');
  cleaning.start(rows, 0);
  try {
    for (;;) {
      const report = await ask();
      if (report) cleaning.update(report.received - report.pending);
      if (report && (report.balanced || report.status === 'failed' || Date.now() > deadline)) return report;
      await api.pause(pollMs);
    }
  } finally {
    cleaning.stop();
  }
}

/** A report as lines for people; `rows` is what the file has, where that is known. */
export function describe(report: Report, rows = report.received): string {
  const n = (count: number) => count.toLocaleString('en-US').padStart(12);
  const reasons = Object.entries(report.rejected).sort(([, a], [, b]) => b - a);
  const rejected = reasons.reduce((sum, [, count]) => sum + count, 0);
  return [
    `  received  ${n(report.received)}  ${report.dataset}`,
    `  kept      ${n(report.kept)}`,
    `  duplicate ${n(report.duplicate)}`,
    `  rejected  ${n(rejected)}`,
    ...reasons.map(([reason, count]) => `            ${n(count)}  ${reason}`),
    conclusion(report, rows),
    ...(report.failed?.length
      ? ['  A defect keeps these chunks from being cleaned; failed/<id>.error.json says why:']
      : []),
    ...(report.failed ?? []).map((id) => `    ${id}`),
  ].join('\n');
}

function conclusion({ balanced, pending, received, status }: Parameters<typeof describe>[0], rows: number): string {
  if (!balanced) return `  not balanced: ${pending} rows have no outcome yet (${status})`;
  if (received !== rows) return `  not whole: the file has ${rows} rows, the ledger ${received}`;
  return '  balanced: every row is accounted for';
}
