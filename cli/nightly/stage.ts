import type { Night, NightReport, Step } from '../../shared/pipeline/nightly';
import { failureIn, follow, type HistoryEvent, type Listener, start } from './execution';
import { stepInWords } from './words';

/**
 * Starts the nightly run of a stage and, if so wished, follows it to its end. Its report; undefined when it is not
 * followed. @throws NoStage, NoRun
 */
export async function nightOf(name: string, region: string, wait: boolean): Promise<NightReport | undefined> {
  const started = await start({ output: 'NightlyMachineArn', called: 'nightly run' }, name, region);
  return wait ? follow(started, new Telling()) : undefined;
}

/** The states of which something is said when they end. */
const STEPS: Readonly<Record<string, Step>> = {
  'Wait for files': 'wait',
  Claim: 'claim',
  Count: 'load',
  'Count merges': 'curate',
  'Count insights': 'build',
};
const REPORT = 'Report';

/** Says how a run gets on: a line when that changes. */
class Telling implements Listener<NightReport> {
  report: NightReport | undefined;
  private said = '';

  hear(event: HistoryEvent): void {
    const { type, stateEnteredEventDetails: entered, stateExitedEventDetails: exited } = event;
    if (type === 'WaitStateEntered' && !entered!.name!.startsWith('Pause')) this.say(`${entered!.name} ...`);
    const failed = failureIn(event);
    if (failed) this.say(failed);
    if (type !== 'TaskStateExited' || exited?.output === undefined) return;
    const step = STEPS[exited.name!];
    const output = JSON.parse(exited.output) as Night & NightReport;
    if (exited.name === REPORT && output.status) this.report = output;
    // A step that failed leaves without an answer.
    else if (step && !output.failure) this.say(stepInWords(step, output));
  }

  private say(line: string): void {
    if (line !== this.said) console.error(line);
    this.said = line;
  }
}
