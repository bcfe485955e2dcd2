import { type Ports, Unavailable } from '../../shared/pipeline/ports';

/** When a port call goes wrong: before it does anything, after it did all of it, or with half of its writes done. */
export type Fault = 'before' | 'after' | 'halfway';

/** What a stage may ask of the world and not get; the clock always goes. */
const PORTS = [
  'files',
  'batches',
  'stream',
  'chunks',
  'invoices',
  'customers',
  'landing',
  'rejects',
  'failed',
  'watch',
  'history',
  'attempts',
  'orders',
  'failures',
  'raw',
] as const satisfies readonly (keyof Ports)[];

/** Where the calls that write many things have them; all others write one thing, whole or not at all. */
const MANY: Readonly<Record<string, number>> = {
  'stream.append': 0,
  'invoices.write': 0,
  'customers.put': 0,
  'landing.append': 1,
};

/** Calls that answer one thing after the other, and break before the first or behind the last. */
const LISTS: readonly string[] = ['watch.untold', 'history.batches', 'failures.list', 'raw.list'];

type Method = (...args: unknown[]) => Promise<unknown>;

/** The same ports, each call of which asks `faultAt` (with its number from 0 and `port.method`) what shall go wrong. */
export function faulty<P extends Partial<Ports>>(
  ports: P,
  faultAt: (call: number, name: string) => Fault | undefined,
): P & { readonly called: readonly string[] } {
  const called: string[] = [];
  const wrap = (port: object, portName: string) =>
    new Proxy(port, {
      get(target, property, receiver) {
        const method: unknown = Reflect.get(target, property, receiver);
        if (typeof method !== 'function') return method;
        const call = (args: unknown[]) => (method as Method).apply(target, args);
        const name = `${portName}.${String(property)}`;
        if (LISTS.includes(name)) {
          return async function* (...args: unknown[]) {
            called.push(name);
            const fault = faultAt(called.length - 1, name);
            if (fault === 'before') throw new Unavailable(`planted ${fault} ${name}`);
            yield* call(args) as unknown as AsyncIterable<unknown>;
            if (fault) throw new Unavailable(`planted ${fault} ${name}`);
          };
        }
        return async (...args: unknown[]) => {
          called.push(name);
          const fault = faultAt(called.length - 1, name);
          if (fault === undefined) return call(args);
          if (fault === 'after') await call(args);
          if (fault === 'halfway' && name in MANY) await call(halfOf(args, MANY[name]!));
          throw new Unavailable(`planted ${fault} ${name}`);
        };
      },
    });
  const wrapped = PORTS.flatMap((name) => (ports[name] ? [[name, wrap(ports[name], name)]] : []));
  return { ...ports, ...(Object.fromEntries(wrapped) as Partial<P>), called };
}

/** The first half of many writes, rounded up. */
function halfOf(args: readonly unknown[], at: number): unknown[] {
  const many = args[at] as readonly unknown[];
  return args.with(at, many.slice(0, Math.ceil(many.length / 2)));
}

/** A world that is busy: every method refuses its first `times` calls. */
export function throttled(times: number): (call: number, name: string) => Fault | undefined {
  const refused = new Map<string, number>();
  return (_, name) => {
    const before = refused.get(name) ?? 0;
    if (before === times) return undefined;
    refused.set(name, before + 1);
    return 'before';
  };
}
