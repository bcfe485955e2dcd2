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
function treeOf(root: number): { pid: number; parent: number }[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // "pid (command) state ppid": the command may hold spaces and brackets
    const stat = read(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [{ pid: root, parent: 0 }];
  for (const { pid } of tree) tree.push(...(children.get(pid) ?? []).map((child) => ({ pid: child, parent: pid })));
  return tree;
}

/** What a process has, in bytes. */
export interface Memory {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly virtual: number;
  readonly resident: number;
}

/** Pages that processes share count in each. */
function memoryOf({ pid, parent }: { pid: number; parent: number }): Memory {
  const status = read(`/proc/${pid}/status`);
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { pid, parent, command: read(`/proc/${pid}/cmdline`), virtual: bytes('VmSize'), resident: bytes('VmRSS') };
}

/**
 * Without processes that are only just forked: until they become another program, what they have is their parent's
 * memory. They are told by their command and their size, which are the parent's.
 */
export function settled(processes: readonly Memory[]): Memory[] {
  const byPid = new Map(processes.map((each) => [each.pid, each]));
  return processes.filter(({ parent, command, virtual }) => {
    const forkedBy = byPid.get(parent);
    return forkedBy?.command !== command || forkedBy.virtual !== virtual;
  });
}

/** The most resident memory that this process has had, in bytes; undefined where that cannot be read. */
export function ownPeak(): number | undefined {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(read('/proc/self/status')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** A process by its program, or by the script that Node runs. */
function nameOf({ command }: Memory): string {
  const [program = '', ...args] = command.split(/[\0 ]/);
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
    const processes = settled(treeOf(root).map(memoryOf));
    const bytes = processes.reduce((sum, { resident }) => sum + resident, 0);
    if (bytes <= peak.bytes) return;
    peak.bytes = bytes;
    const shares = processes
      .filter(({ resident }) => resident > 0)
      .map((each) => ({ name: nameOf(each), bytes: each.resident }));
    peak.shares = shares.sort((a, b) => b.bytes - a.bytes);
  };
  const timer = canMeasure ? setInterval(sample, EVERY_MS) : undefined;
  return { peak, stop: () => clearInterval(timer) };
}
