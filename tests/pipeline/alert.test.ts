import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Arrival } from '../../shared/domain/arrival';
import type { BatchHead } from '../../shared/domain/ledger';
import { type AlertPorts, type AlertSettings, type AlertTask, alertOn as alert } from '../../shared/pipeline/alert';
import { Unavailable } from '../../shared/pipeline/ports';
import { click, clicks, sale, sales } from '../support/rows';
import { chunksIn, drain, post, type TestWorld, testWorld } from '../support/world';

const SETTINGS: AlertSettings = {
  stage: 'test',
  option: '--stage dev',
  api: 'http://api',
  unbalancedMinutes: 30,
  rejectedShare: 0.5,
  quietMinutes: 15,
};

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const alertOn = (task: AlertTask, ports: AlertPorts = world, timeLeft?: () => number) =>
  alert(task, ports, SETTINGS, timeLeft);
const now = () => world.clock.now().toISOString();
const digest = (ports: AlertPorts = world) => {
  world.clock.pass(1); // mails are in the order of time
  return alertOn({ task: 'digest', at: now() }, ports);
};
const heard = (key: string, ports: AlertPorts = world) => alertOn({ task: 'object', key, at: now() }, ports);

/** The mails in the outbox in the order in which they were sent. */
function mails(of: TestWorld = world): { subject: string; text: string }[] {
  const folder = join(of.directory, 'outbox');
  const names = readdirSync(of.directory).includes('outbox') ? readdirSync(folder).sort() : [];
  return names.map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { subject: /^Subject: (.*)\r$/m.exec(text)![1]!, text };
  });
}
const subjects = () => mails().map(({ subject }) => subject);

/** Takes a body in, to the end. */
async function takenIn(dataset: string, body: string): Promise<string> {
  const id = await post(world, dataset, body);
  await drain(world);
  return id;
}

const refused = async (name: string, into = world) => {
  const key = `rejected/files/events/dt=2026-03-01/${name}.reason.json`;
  await into.lake.put(
    key,
    JSON.stringify({ key: `inbox/events/${name}.csv`, code: 'empty_body', detail: 'It is empty.' }),
  );
  return key;
};

/** A head of a batch of so many rows that is wholly in the stream and never comes out of it. */
const head = (batch_id: string, rest: Partial<BatchHead> = {}): BatchHead => ({
  batch_id,
  dataset: 'events',
  contract_version: 1,
  format: 'csv',
  columns: [],
  received: 1,
  slices: [{ start: 0, end: 1, first_line: 2, rows: 1 }],
  received_at: now(),
  sent_by: 'test',
  ...rest,
});

const entry = (batch_id: string, kept = 1, revision = 0, rejected: Record<string, number> = {}) => ({
  batch_id,
  number: 1,
  chunk_id: `${batch_id}-c`,
  revision,
  kept,
  duplicate: 0,
  rejected,
  cleaned_at: now(),
});

/** Batches of one row each that are balanced already. */
async function balanced(...batch_ids: string[]): Promise<void> {
  for (const id of batch_ids) {
    await world.batches.open({ ...head(id), accepted_at: now() });
    await world.chunks.record(entry(id));
  }
}

describe('a digest', () => {
  it('is one mail per data set for what is through since the one before', async () => {
    await takenIn('events', clicks([click(), click({ second: 1 })]));
    await takenIn('events', clicks([click({ second: 2 })]));
    await takenIn('transactions', sales([sale(), sale(), sale({ invoice: 'C1' })]));
    await digest();
    expect(subjects().sort()).toEqual([
      'ecomflow test: events: 3 rows in 2 batches: 3 kept, 0 dup, 0 rejected',
      'ecomflow test: transactions: 3 rows in 1 batch: 1 kept, 1 dup, 1 rejected',
    ]);
  });

  it('of a quiet window is no mail', async () => {
    await digest();
    await balanced('a');
    await digest();
    world.clock.pass(900);
    await digest();
    expect(mails()).toHaveLength(1);
  });

  it('leaves batches alone that are on their way', async () => {
    const id = await post(world, 'events', clicks([click()]));
    await digest();
    expect(mails()).toEqual([]);
    await drain(world);
    await digest();
    expect(mails()[0]?.text).toContain(`http://api/v1/batches/${id}`);
  });

  it('of ten thousand batches is one mail', async () => {
    for (let i = 0; i < 10_000; i++) await balanced(`b${String(i).padStart(5, '0')}`);
    await digest();
    await digest();
    expect(subjects()).toEqual([
      'ecomflow test: events: 10,000 rows in 10,000 batches: 10,000 kept, 0 dup, 0 rejected',
    ]);
    expect(mails()[0]!.text).toContain('and 9,990 more');
  }, 60_000);

  it('tells a batch again that was redriven, with the difference only', async () => {
    await world.batches.open({ ...head('a', { received: 3 }), accepted_at: now() });
    await world.chunks.record(entry('a', 2, 0, { missing: 1 }));
    await digest();
    await world.chunks.revise(entry('a', 3, 1));
    await world.watch.again('a', now());
    await digest();
    await world.watch.again('a', now());
    await digest();
    for await (const untold of world.watch.untold()) expect(untold).toBeUndefined();
    expect(subjects()).toEqual([
      'ecomflow test: events: 3 rows in 1 batch: 2 kept, 0 dup, 1 rejected',
      'ecomflow test: events: 1 batch redriven: +1 kept, 0 dup, -1 rejected',
    ]);
  });

  it('does not miss a redrive that comes between its look and its note', async () => {
    await world.batches.open({ ...head('a', { received: 3 }), accepted_at: now() });
    await world.chunks.record(entry('a', 2, 0, { missing: 1 }));
    const send: AlertPorts['post']['send'] = async (mail) => {
      await world.post.send(mail);
      await world.chunks.revise(entry('a', 3, 1));
      await world.watch.again('a', now());
    };
    await digest({ ...world, post: { send } });
    await digest();
    expect(subjects()[1]).toBe('ecomflow test: events: 1 batch redriven: +1 kept, 0 dup, -1 rejected');
  });

  it('tells a batch that does not balance in its time, once', async () => {
    await world.batches.open(head('open'));
    await world.batches.open({ ...head('late', { received: 1200 }), accepted_at: now() });
    world.clock.pass(30 * 60 - 1);
    await digest();
    expect(mails()).toEqual([]);
    world.clock.pass(1);
    await digest();
    expect(subjects()).toEqual(['ecomflow test: events: 2 batches not balanced']);
    world.clock.pass(3600);
    await digest();
    await world.batches.accept('open', now());
    await world.chunks.record(entry('open'));
    await digest();
    expect(subjects().slice(1)).toEqual(['ecomflow test: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected']);
  });

  it('watches a batch for two weeks that nobody mends, and tells of it when something is done', async () => {
    const measured: number[] = [];
    const ports: AlertPorts = {
      ...world,
      telemetry: {
        ...world.telemetry,
        measure: ({ BatchesUnbalanced: n }) => void (n !== undefined && measured.push(n)),
      },
    };
    const untold = async () => {
      const found: string[] = [];
      for await (const { batch_id } of world.watch.untold()) found.push(batch_id);
      return found;
    };
    await world.batches.open({ ...head('left'), accepted_at: now() });
    world.clock.pass(14 * 86_400 - 2);
    await digest(ports);
    expect(await untold()).toEqual(['left']);
    world.clock.pass(60);
    await digest(ports);
    expect(measured).toEqual([1, 0]);
    expect(await untold()).toEqual([]);

    await world.chunks.record(entry('left'));
    await world.watch.again('left', now());
    await digest(ports);
    expect(subjects().at(-1)).toBe('ecomflow test: events: 1 batch redriven: +1 kept, 0 dup, 0 rejected');
  });

  it('tells batches that are late in one mail for each data set, also where a store is slow to say what waits', async () => {
    for (const name of ['a', 'b']) await world.batches.open(head(name));
    for (const name of ['c', 'd', 'e']) await world.batches.open(head(name, { dataset: 'transactions' }));
    world.clock.pass(1801);
    const held: AlertPorts['incidents']['held'] = async function* () {};
    await digest({ ...world, incidents: { ...world.incidents, held } });
    await digest();
    expect(subjects().sort()).toEqual([
      'ecomflow test: events: 2 batches not balanced',
      'ecomflow test: transactions: 3 batches not balanced',
    ]);
  });

  it('tells of a batch of which too much was refused, once, and of the batch', async () => {
    await takenIn('transactions', sales([sale(), sale({ quantity: '0' }), sale({ quantity: '-1' })]));
    await digest();
    await digest();
    expect(
      subjects()
        .map((subject) => subject.replace(/[0-9a-f]{12}/, 'ID'))
        .sort(),
    ).toEqual([
      'ecomflow test: transactions: 3 rows in 1 batch: 1 kept, 0 dup, 2 rejected',
      'ecomflow test: transactions: batch ID: 66.7 % refused, 2 of 3 rows',
    ]);
  });

  it('measures batches that are late, objects in failed/, and the mails', async () => {
    await world.batches.open(head('open'));
    world.clock.pass(1801);
    await world.failed.put('x', Buffer.from('x'), new Error('y'));
    const measured: unknown[] = [];
    const telemetry = {
      ...world.telemetry,
      log: () => undefined,
      measure: (...args: unknown[]) => measured.push(args),
    };
    await digest({ ...world, telemetry });
    expect(measured).toEqual([[{ BatchesUnbalanced: 1, FailuresKept: 1 }], [{ MailsSent: 1 }, 'events']]);
  });

  it('leaves to the next one what it has no time for', async () => {
    await balanced('a');
    await heard(await refused('1'));
    await heard(await refused('2'));
    let left = 60_000;
    const timeLeft = () => left;
    const untold: AlertPorts['watch']['untold'] = async function* () {
      for await (const one of world.watch.untold()) yield one;
      left = 9_000;
    };
    await alertOn({ task: 'digest', at: now() }, { ...world, watch: { ...world.watch, untold } }, timeLeft);
    expect(mails()).toHaveLength(1); // the first refused file's
    await digest();
    expect(mails()).toHaveLength(3);
  });

  it('ends its walk when half of its time is gone, and tells what it has found', async () => {
    await balanced('a', 'b', 'c');
    let left = 100_000;
    const find: AlertPorts['batches']['find'] = async (id) => {
      left -= 60_000;
      return world.batches.find(id);
    };
    const slow = { ...world, batches: { ...world.batches, find } };
    await alertOn({ task: 'digest', at: now() }, slow, () => left);
    await digest();
    expect(subjects()).toEqual([
      'ecomflow test: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected',
      'ecomflow test: events: 2 rows in 2 batches: 2 kept, 0 dup, 0 rejected',
    ]);
  });

  it('tells everything else when one batch, and one mail, is beyond it, and fails at its end', async () => {
    for (const name of ['x', 'y']) await heard(await refused(name));
    await balanced('a', 'b');
    await takenIn('transactions', sales([sale()]));
    const find = async (id: string) => {
      if (id === 'a') throw new TypeError('a planted defect');
      return world.batches.find(id);
    };
    const send: AlertPorts['post']['send'] = async (mail) => {
      if (mail.kind === 'file_refused') throw new TypeError('another');
      await world.post.send(mail);
    };
    const before = subjects();
    const ports = { ...world, batches: { ...world.batches, find }, post: { send } };
    await expect(digest(ports)).rejects.toThrow('a planted defect');
    expect(subjects().slice(before.length).sort()).toEqual([
      'ecomflow test: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected',
      'ecomflow test: transactions: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected',
    ]);
    await digest(); // the defect is mended
    expect(
      subjects()
        .slice(before.length + 2)
        .sort(),
    ).toEqual([
      'ecomflow test: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected',
      'ecomflow test: events: file refused: y.csv (empty_body)',
    ]);
  });

  it('passes over a batch that the ledger does not know', async () => {
    await world.watch.again('gone', now());
    await digest();
    expect(mails()).toEqual([]);
  });

  it('beside another is one', async () => {
    await balanced('a', 'b');
    await heard(await refused('1'));
    await heard(await refused('2'));
    let inside = () => Promise.resolve();
    const told: AlertPorts['watch']['told'] = async (id) => {
      await inside();
      return world.watch.told(id);
    };
    inside = async () => {
      inside = () => Promise.resolve();
      await balanced('c');
      await digest();
    };
    await digest({ ...world, watch: { ...world.watch, told } });
    await Promise.all([digest(), digest()]);
    expect(subjects().sort()).toEqual([
      'ecomflow test: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected',
      'ecomflow test: events: 2 rows in 2 batches: 2 kept, 0 dup, 0 rejected',
      'ecomflow test: events: file refused: 1.csv (empty_body)',
      'ecomflow test: events: file refused: 2.csv (empty_body)',
    ]);
  });
});

describe('what went wrong', () => {
  it('is told at once, and once however often it is heard of', async () => {
    const key = await refused('a');
    await Promise.all([heard(key), heard(key)]);
    await heard(key);
    await digest();
    expect(subjects()).toEqual(['ecomflow test: events: file refused: a.csv (empty_body)']);
    expect(mails()[0]!.text).toContain('docs/runbook.md#file-refused');
  });

  it('waits for the digest when one of its kind and data set was told just now', async () => {
    for (const name of ['a', 'b', 'c']) await heard(await refused(name));
    expect(mails()).toHaveLength(1);
    await heard(await refused('a', world));
    for (const n of [1, 2, 3]) await heard(`failed/landing/transactions/${n}`);
    await digest();
    await digest();
    expect(subjects().filter((subject) => !subject.includes('transactions'))).toEqual([
      'ecomflow test: events: file refused: a.csv (empty_body)',
      'ecomflow test: events: 2 files refused',
    ]);
    world.clock.pass(900);
    await heard(await refused('d'));
    expect(subjects().at(-1)).toBe('ecomflow test: events: file refused: d.csv (empty_body)');
  });

  it('in ten thousand objects is one mail at once, and one of the digest', async () => {
    for (let n = 0; n < 10_000; n++) await heard(`failed/landing/events/${n}`);
    await digest();
    await digest();
    expect(subjects()).toEqual([
      'ecomflow test: events: rows did not reach landing',
      'ecomflow test: events: rows did not reach the lake: 9,999 objects',
    ]);
  }, 60_000);

  it('is told at once where another kind, or another data set, was told just now', async () => {
    await heard(await refused('a'));
    await heard('failed/landing/events/1');
    await heard('failed/landing/transactions/1');
    await heard('failed/raw/1');
    expect(mails()).toHaveLength(4);
  });

  it('names the batch of a chunk that failed', async () => {
    const id = await post(world, 'events', clicks([click()]));
    const [chunk] = chunksIn(world);
    const [record] = world.log.read('reader', 1);
    await world.failed.put(chunk!.chunk_id, record!.data, new TypeError('x is undefined'));
    await heard(`failed/${chunk!.chunk_id}.chunk`);
    expect(mails()).toEqual([]);
    await heard(`failed/${chunk!.chunk_id}.error.json`);
    expect(subjects()).toEqual(['ecomflow test: events: chunk failed, 1 row waiting: TypeError']);
    expect(mails()[0]!.text).toContain(`http://api/v1/batches/${id}`);
  });

  it('is told of a record that is no chunk, too', async () => {
    await world.failed.put('unreadable-1', Buffer.from('x'), new Error('no chunk'));
    await heard('failed/unreadable-1.error.json');
    expect(subjects()).toEqual(['ecomflow test: chunk failed: Error']);
  });

  it('is told although what it is about is gone', async () => {
    await heard('failed/c.error.json');
    await heard('rejected/files/events/dt=2026-03-01/0.reason.json');
    expect(mails()).toHaveLength(2);
  });

  it('is not told of keys that mean nothing', async () => {
    for (const key of ['', '/', '..', 'inbox/events/a.csv', 'failed/', `failed/${'x'.repeat(5000)}`]) await heard(key);
    await digest();
    expect(mails()).toEqual([]);
  });

  it('in a run of Spark names the file that it had', async () => {
    const arrival: Arrival = {
      key: 'inbox/events/large.csv',
      version: '1',
      checksum: '',
      bytes: 1,
      arrived_at: now(),
      sent_by: 'test',
      state: 'running',
      lease: { holder: '', until: now() },
      dataset: 'events',
      run_id: 'jr_1',
    };
    await world.arrivals.note(arrival);
    await alertOn({ task: 'run', run_id: 'jr_1', state: 'SUCCEEDED', at: now() });
    await world.arrivals.note({ ...arrival, state: 'failed' }); // whoever heard of it first
    await alertOn({ task: 'run', run_id: 'jr_1', state: 'FAILED', message: 'OOM', at: now() });
    await alertOn({ task: 'run', run_id: 'jr_2', state: 'TIMEOUT', at: now() });
    expect(subjects().sort()).toEqual([
      'ecomflow test: Spark gave a file up: jr_2 (TIMEOUT)',
      'ecomflow test: events: Spark gave a file up: large.csv (FAILED)',
    ]);
  });
});

/** Ports of which the call with this number (from 0) dies, before or after its work is done. */
function dying(at: number, when: 'before' | 'after', of: TestWorld): { ports: AlertPorts; calls: () => number } {
  let calls = 0;
  const dies = () => calls++ === at;
  const died = () => new Unavailable('planted');
  const wrapped = Object.fromEntries(
    (['batches', 'arrivals', 'watch', 'incidents', 'notes', 'post', 'failures'] as const).map((name) => [
      name,
      new Proxy(of[name], {
        get(target, property) {
          const method = Reflect.get(target, property) as (...args: unknown[]) => unknown;
          if (property === 'alone') return method.bind(target);
          return (...args: unknown[]) => {
            const isLast = dies();
            if (['untold', 'held', 'list'].includes(String(property))) {
              if (isLast) throw died();
              return method.apply(target, args);
            }
            return (async () => {
              if (isLast && when === 'before') throw died();
              const result = await method.apply(target, args);
              if (isLast) throw died();
              return result;
            })();
          };
        },
      }),
    ]),
  );
  return { ports: { ...of, ...wrapped } as AlertPorts, calls: () => calls };
}

describe('a crash', () => {
  /** Everything at once: news of two data sets, late ones, refused shares, held incidents. */
  const scene = async () => {
    for (const name of ['a', 'b', 'c']) await refused(name);
    await world.batches.open(head('late'));
    world.clock.pass(1801);
    await takenIn('transactions', sales([sale(), sale({ quantity: '0' }), sale({ quantity: '-1' })]));
    await balanced('x', 'y');
    return ['a', 'b', 'c'].map((name) => `rejected/files/events/dt=2026-03-01/${name}.reason.json`);
  };
  const facts = [
    /inbox\/events\/a/,
    /inbox\/events\/b/,
    /inbox\/events\/c/,
    /1 row pending/,
    /66.7 %/,
    /batch x/,
    /batch y/,
  ];

  it.each(['before', 'after'] as const)(
    '%s any call to the world loses nothing',
    async (when) => {
      let calls = Number.POSITIVE_INFINITY;
      for (let at = 0; at < calls; at++) {
        const keys = await scene();
        const { ports, calls: counted } = dying(at, when, world);
        let crashes = 0;
        for (const key of keys) await heard(key, ports).catch(() => (crashes++ === 0 ? heard(key) : undefined));
        await digest(ports).catch(() => crashes++);
        if (crashes === 0) calls = counted();
        await digest();
        world.clock.pass(900); // a killed process' quiet time
        await digest();
        const all = mails().map(({ text }) => text);
        for (const fact of facts) expect(all.filter((text) => fact.test(text)).length).toBeGreaterThan(0);
        const twice = facts.filter((fact) => all.filter((text) => fact.test(text)).length > 1);
        if (crashes === 0) expect(twice).toEqual([]);
        world.remove();
        world = testWorld();
      }
      expect(calls).toBeGreaterThan(20);
    },
    60_000,
  );

  it('of the process behind the first mail of a kind is made good by a digest, when nobody hears of it again', async () => {
    const key = await refused('a');
    const { ports } = dying(1, 'after', world); // the incident is kept, the mail is not sent
    await expect(heard(key, ports)).rejects.toThrow('planted');
    await digest();
    expect(mails()).toEqual([]); // it may still be at it
    world.clock.pass(901);
    await digest();
    expect(subjects()).toEqual(['ecomflow test: events: file refused: a.csv (empty_body)']);
  });
});

it('whatever comes in whatever order, each incident and each batch is told: once, unless something dies', async () => {
  const name = fc.integer({ min: 0, max: 5 });
  const step = fc.oneof(
    fc.record({ do: fc.constant('refuse' as const), name }),
    fc.record({ do: fc.constant('batch' as const), name }),
    fc.record({ do: fc.constant('pass' as const), seconds: fc.constantFrom(1, 500, 1000) }),
    fc.record({ do: fc.constant('digest' as const), dies: fc.option(fc.nat({ max: 30 })) }),
    fc.record({ do: fc.constant('event' as const), name, dies: fc.option(fc.nat({ max: 4 })) }),
    fc.record({ do: fc.constant('two' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), fc.boolean(), async (steps, mayDie) => {
      const mine = testWorld();
      const ownDigest = (ports: AlertPorts = mine) =>
        alert({ task: 'digest', at: mine.clock.now().toISOString() }, ports, SETTINGS);
      const event = (key: string, ports: AlertPorts = mine) =>
        alert({ task: 'object', key, at: mine.clock.now().toISOString() }, ports, SETTINGS);
      const portsOf = (dies: number | null) =>
        mayDie && dies !== null ? dying(dies, dies % 2 ? 'before' : 'after', mine).ports : mine;
      const unlessDead = (work: Promise<void>) =>
        work.catch((error: unknown) => {
          if (!(error instanceof Unavailable)) throw error;
        });
      const keys = new Map<number, string>();
      const batches = new Set<string>();
      try {
        for (const one of steps) {
          if (one.do === 'refuse') keys.set(one.name, await refused(`f${one.name}`, mine));
          else if (one.do === 'pass') mine.clock.pass(one.seconds);
          else if (one.do === 'digest') await unlessDead(ownDigest(portsOf(one.dies)));
          else if (one.do === 'event' && keys.has(one.name))
            await unlessDead(event(keys.get(one.name)!, portsOf(one.dies)));
          else if (one.do === 'two') await Promise.all([ownDigest(), ownDigest()]);
          else if (one.do === 'batch') {
            const at = mine.clock.now().toISOString();
            const id = `batch-${one.name}`;
            batches.add(id);
            await mine.batches.open({ ...head(id), received_at: at, accepted_at: at });
            await mine.chunks.record(entry(id));
          }
        }
        for (const key of keys.values()) await event(key); // it comes again until somebody has dealt with it
        mine.clock.pass(901);
        await ownDigest();
        const texts = mails(mine).map(({ text }) => text);
        for (const what of [
          ...[...keys.keys()].map((n) => `inbox/events/f${n}.csv`),
          ...[...batches].map((id) => `batch ${id}\r`),
        ]) {
          const told = texts.filter((text) => text.includes(what)).length;
          if (mayDie) expect(told).toBeGreaterThan(0);
          else expect(told).toBe(1);
        }
      } finally {
        mine.remove();
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
