import { Presets, SingleBar } from 'cli-progress';

/** Says how far long work is: a bar on a terminal, a line now and then elsewhere. Always on stderr. */
export interface Progress {
  start(total: number, done: number): void;
  update(done: number): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

export function progress(label: string, unit: string): Progress {
  return process.stderr.isTTY ? bar(label, unit) : lines(label, unit);
}

function bar(label: string, unit: string): Progress {
  const single = new SingleBar(
    {
      format: `${label} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  return {
    start: (total, done) => single.start(total, done),
    update: (done) => single.update(done),
    stop: () => single.stop(),
  };
}

function lines(label: string, unit: string): Progress {
  let total = 0;
  let said = Date.now();
  return {
    start(all, done) {
      total = all;
      console.error(`${label} ${done} of ${total} ${unit}`);
    },
    update(done) {
      if (done < total && Date.now() - said < LINE_EVERY_MS) return;
      said = Date.now();
      console.error(`${label} ${done} of ${total} ${unit}`);
    },
    stop: () => undefined,
  };
}
