/** What of a process is needed to hear that it shall end. */
interface Signals {
  on(signal: 'SIGINT' | 'SIGTERM', heard: () => void): unknown;
}

/** npm passes a Ctrl-C on that its terminal has sent to everybody: what comes this soon is the same one. */
const SAME_PRESS_MS = 500;

/** Hears Ctrl-C and SIGTERM for as long as the process lives: the first asks for an end in order, one more ends at once. */
export function onInterrupt(signals: Signals, first: () => void, second: () => void): void {
  let since: number | undefined;
  const heard = () => {
    const now = performance.now();
    if (since === undefined) {
      since = now;
      first();
    } else if (now - since > SAME_PRESS_MS) second();
  };
  signals.on('SIGINT', heard);
  signals.on('SIGTERM', heard);
}
