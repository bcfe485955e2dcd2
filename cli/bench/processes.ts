import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Whether the memory of processes can be read here: only Linux has /proc. */
export const canMeasure = process.platform === 'linux';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
};

/** A process and all its descendants, by their parents in /proc. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // "pid (command) state ppid": the command may hold spaces and brackets
    const stat = read(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Resident memory of one process, in bytes. Pages that processes share count in each. */
const residentOf = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;

/** The most resident memory that this process has had, in bytes; undefined where that cannot be read. */
export function ownPeak(): number | undefined {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(read('/proc/self/status')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** A process by its program, or by the script that Node runs. */
function nameOf(pid: number): string {
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split(/[\0 ]/);
  const script = args.find((arg) => !arg.startsWith('-')) ?? '';
  return basename(basename(program) === 'node' ? script : program);
}

const EVERY_MS = 50;

export interface Share {
  readonly name: string;
  readonly bytes: number;
}

/** The most memory that a process tree has at a time. */
export interface Peak {
  bytes: number;
  /** The processes at that time, largest first. */
  shares: Share[];
}

/** Watches a process tree's resident memory until stopped. */
export function watchMemory(root: number): { readonly peak: Peak; stop(): void } {
  const peak: Peak = { bytes: 0, shares: [] };
  const sample = () => {
    const resident = treeOf(root).map((pid) => ({ pid, bytes: residentOf(pid) }));
    const bytes = resident.reduce((sum, each) => sum + each.bytes, 0);
    if (bytes <= peak.bytes) return;
    peak.bytes = bytes;
    const shares = resident
      .filter((each) => each.bytes > 0)
      .map((each) => ({ name: nameOf(each.pid), bytes: each.bytes }));
    peak.shares = shares.sort((a, b) => b.bytes - a.bytes);
  };
  const timer = canMeasure ? setInterval(sample, EVERY_MS) : undefined;
  return { peak, stop: () => clearInterval(timer) };
}
