import { counted, figure } from '../../shared/domain/mails/words';
import type { FailureOutcome, Redriven, Replayed } from '../../shared/pipeline/redrive';

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, one) => sum + one, 0);

/** Counts of rows that went through again. */
export type Counted = Pick<Redriven, 'tried' | 'kept' | 'duplicate' | 'rejected' | 'left'>;

/** What became of refused rows. */
export function countsInWords({ tried, kept, duplicate, rejected, left }: Counted): string {
  const again = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  const reasons = again.map(([reason, count]) => `${reason} ${figure(count)}`).join(', ');
  return [
    `${counted(tried, 'row')} tried: ${figure(kept)} kept, ${figure(duplicate)} duplicate, `,
    `${figure(total(rejected))} refused again`,
    again.length > 0 ? ` (${reasons})` : '',
    left > 0 ? `; ${counted(left, 'refused row')} not tried` : '',
  ].join('');
}

/** What became of the refused rows of a batch, in a line. */
export const batchInWords = ({ batch_id, dataset, problem, ...counts }: Redriven): string =>
  `${batch_id} ${dataset}: ${problem ?? countsInWords(counts)}`;

/** What a replay came to. */
export function replayInWords({ chunks, replayed, cleaned, recounted, left, unreadable }: Replayed): string {
  const again = `${figure(replayed)} of ${counted(chunks, 'chunk')} replayed`;
  const lines = [
    `${again}, ${figure(cleaned)} cleaned for the first time, ${figure(recounted)} counted anew`,
    ...left.map(({ number, why }) => `chunk ${number} is left: ${why}`),
    ...unreadable.map((key) => `${key} cannot be read to its end`),
  ];
  return lines.join('\n');
}

const BECAME: Readonly<Record<FailureOutcome['became'], (count: number) => string>> = {
  cleaned: (count) => `${counted(count, 'chunk')} cleaned`,
  landed: (count) => `${counted(count, 'row')} handed to landing`,
  kept: (count) => `${counted(count, 'record')} kept in raw/`,
  left: () => 'left',
};

/** What became of something that had failed, in a line. */
export const failureInWords = ({ key, became, count, why }: FailureOutcome): string =>
  `${key}: ${BECAME[became](count)}${why === undefined ? '' : `: ${why}`}`;

/** Sums of what became of rows. */
export function sumOf(all: readonly Counted[]): Counted {
  const sum = (of: (one: Counted) => number) => all.reduce((so, one) => so + of(one), 0);
  const rejected: Record<string, number> = {};
  for (const one of all)
    for (const [reason, count] of Object.entries(one.rejected)) rejected[reason] = (rejected[reason] ?? 0) + count;
  return {
    tried: sum(({ tried }) => tried),
    kept: sum(({ kept }) => kept),
    duplicate: sum(({ duplicate }) => duplicate),
    rejected,
    left: sum(({ left }) => left),
  };
}
