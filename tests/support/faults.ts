import type { InvoicePart } from '../../shared/domain/invoice';
import type { CleanPorts } from '../../shared/pipeline/clean';
import { Unavailable } from '../../shared/pipeline/ports';

/** When a port call goes wrong: before it does anything, after it did all of it, or with half of its writes done. */
export type Fault = 'before' | 'after' | 'halfway';

const PORTS = ['chunks', 'invoices', 'customers', 'landing', 'rejects', 'failed'] as const;

type Method = (...args: unknown[]) => Promise<unknown>;

/** The same ports, each call of which asks `faultAt` (with its number from 0) what shall go wrong. */
export function faulty(
  ports: CleanPorts,
  faultAt: (call: number, name: string) => Fault | undefined,
): CleanPorts & { calls(): number } {
  let calls = 0;
  const wrap = <T extends object>(port: T, portName: string): T =>
    new Proxy(port, {
      get(target, property, receiver) {
        const method = Reflect.get(target, property, receiver);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const name = `${portName}.${String(property)}`;
          const fault = faultAt(calls++, name);
          if (fault === 'before') throw new Unavailable(`planted before ${name}`);
          if (fault === 'halfway') await halfway(name, method.bind(target), args);
          const answer = fault === 'halfway' ? undefined : await (method as Method).apply(target, args);
          if (fault !== undefined) throw new Unavailable(`planted ${fault} ${name}`);
          return answer;
        };
      },
    });
  const wrapped = Object.fromEntries(PORTS.map((name) => [name, wrap(ports[name], name)]));
  return { ...(wrapped as Omit<CleanPorts, 'clock'>), clock: ports.clock, calls: () => calls };
}

/** What a store does of a call when it dies within it: the first half of many writes, nothing of a single one. */
async function halfway(name: string, method: Method, args: unknown[]): Promise<void> {
  if (name !== 'invoices.write' && name !== 'customers.put') return;
  const writes = args[0] as readonly InvoicePart[];
  await method(writes.slice(0, Math.ceil(writes.length / 2)));
}
