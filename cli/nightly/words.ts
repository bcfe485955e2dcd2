import { counted } from '../../shared/domain/mails/words';
import type { LeftOver, Night, NightReport, Step } from '../../shared/pipeline/nightly';

const MOST_LINES = 10;

/** What a step came to, in a line. */
export function stepInWords(step: Step, night: Night): string {
  const { again, left_over, claims, loaded = {}, curated = {}, insights } = night;
  const open = counted(left_over?.count ?? 0, 'file');
  if (step === 'wait') return again ? `waiting for ${open} of the inbox` : `${open} unfinished`;
  if (step === 'claim')
    return again ? `waiting for claims: ${open} unfinished` : `${counted(claims?.count ?? 0, 'claim')} called for`;
  if (step === 'curate') {
    const days = Object.entries(curated).map(([dataset, merged]) => `${dataset} ${counted(merged.days, 'day')}`);
    return `${again ? 'merging' : 'merged'}: ${days.join(', ') || 'nothing'}`;
  }
  if (step === 'build') return `${again ? 'building insights' : 'insights built'}: ${insights?.insights ?? 0}`;
  const counts = Object.entries(loaded).map(([dataset, { added, files }]) => `${dataset} +${added} (${files} files)`);
  return `${again ? 'loading' : 'loaded'}: ${counts.join(', ') || 'nothing'}`;
}

/** A report for people. */
export function inWords(report: NightReport): string {
  const { status, failure, left_over, loaded, curated, insights, seconds } = report;
  const lines = Object.entries(loaded ?? {}).flatMap(([dataset, { rows, added, known, files, unreadable }]) => [
    `${dataset}: ${counted(rows, 'row')} of ${counted(files, 'file')} loaded, ${added} new, ${known} known`,
    ...unreadable.slice(0, MOST_LINES).map(({ key, reason }) => `  passed over: ${key} (${reason})`),
  ]);
  const took = Object.entries(seconds).map(([step, time]) => `${step} ${time} s`);
  return [
    ...(loaded ? lines : ['no warehouse was loaded']),
    ...Object.entries(curated ?? {}).map(
      ([dataset, { days, curated_rows, removed_duplicates }]) =>
        `${dataset}: ${counted(days, 'day')} merged; ${counted(curated_rows, 'row')} curated, ${counted(removed_duplicates, 'duplicate')} removed`,
    ),
    ...(insights
      ? [`${counted(insights.insights, 'insight')} built, ${counted(insights.profiles, 'profile')} kept`]
      : []),
    ...leftOver(left_over),
    failure ? `The night failed at "${failure.step}": ${failure.error}: ${failure.cause}` : `The night is ${status}.`,
    ...(took.length > 0 ? [`(${took.join(', ')})`] : []),
  ].join('\n');
}

function leftOver({ count, files }: LeftOver): string[] {
  if (count === 0) return [];
  const shown = files.slice(0, MOST_LINES);
  return [
    `left over: ${counted(count, 'file')}`,
    ...shown.map(({ key, state, why }) => `  ${key} (${state}): ${why}`),
    ...(count > shown.length ? [`  and ${count - shown.length} more`] : []),
  ];
}
