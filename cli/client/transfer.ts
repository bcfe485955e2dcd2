import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api';
import type { FileOptions } from './parts';
import { progress } from './progress';
import { type FileReport, fileReport, upload } from './upload';

/** A file's report costs the stage a look-up for each part: large files are asked for less often. */
const pollMs = (parts: number) => Math.min(Math.max(200, parts * 20), 5000);

/**
 * Sends a file and waits until every row has its outcome, showing both. The ledger's last word, which is not balanced
 * when `patienceMs` ran out. @throws FileRefused, Refused
 */
export async function transfer(api: Api, dataset: string, file: FileOptions, patienceMs: number): Promise<FileReport> {
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

  const cleaning = progress('Cleaning', 'rows');
  cleaning.start(rows, 0);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const report = await fileReport(api, hash);
    if (report) cleaning.update(report.received - report.pending);
    if (report && (report.balanced || Date.now() > deadline)) {
      cleaning.stop();
      return report;
    }
    await sleep(pollMs(parts));
  }
}

/** A report as lines for people. */
export function describe(report: Omit<FileReport, 'parts' | 'batches' | 'file'>): string {
  const n = (count: number) => count.toLocaleString('en-US').padStart(12);
  const reasons = Object.entries(report.rejected).sort(([, a], [, b]) => b - a);
  const rejected = reasons.reduce((sum, [, count]) => sum + count, 0);
  return [
    `  received  ${n(report.received)}  ${report.dataset}`,
    `  kept      ${n(report.kept)}`,
    `  duplicate ${n(report.duplicate)}`,
    `  rejected  ${n(rejected)}`,
    ...reasons.map(([reason, count]) => `            ${n(count)}  ${reason}`),
    report.balanced
      ? '  balanced: every row is accounted for'
      : `  not balanced: ${report.pending} rows have no outcome yet (${report.status})`,
  ].join('\n');
}
