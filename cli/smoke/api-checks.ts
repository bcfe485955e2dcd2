import { type Answer, ask, get } from './http';
import { type Body, latin1Name } from './rows';
import { machineToken, signInAs } from './sign-in';
import { Broken, type Check, same, until, type Walk } from './walk';

/** How long a batch may take from 202 to its last outcome: right after a deploy Lambda takes minutes to begin reading. */
const CLEANED_S = 180;
/** And once one has not come through: no longer than what works takes. */
const STUCK_S = 15;
/** Reads of customers may be behind for a moment. */
const CONSISTENT_S = 10;

/** What a client does, in order: each goes by what those before it found. */
export const API_CHECKS: readonly Check[] = [
  {
    title: 'the API answers, and says its version',
    async run(walk) {
      const { status, body, text, at } = await ask(walk, undefined, '/health');
      walk.began = at;
      if (status !== 200 || body.status !== 'ok') throw new Broken(`${status} ${text.slice(0, 300)}`);
      return `version ${body.version}, commit ${String(body.commit).slice(0, 7)}`;
    },
  },
  {
    title: 'a person in group admin signs in and may read',
    async run(walk) {
      walk.found.person = await signInAs(walk, 'admin');
      const { status, body } = await ask(walk, walk.found.person, `/invoices/${walk.rows.lines[0]!.invoice_no}`);
      same('an invoice that nobody sent yet', [status, body.code], [404, 'not_found']);
      return undefined;
    },
  },
  {
    title: 'a machine that may send and read gets a token',
    async run(walk) {
      walk.found.machine = await machineToken(walk);
      if (walk.found.machine) return undefined;
      walk.found.machine = walk.found.person; // the rest can be checked all the same
      return 'this stage declares no such machine: going on as the person';
    },
  },
  {
    title: 'no token, a forged one and a person without a group are refused',
    async run(walk) {
      const { machine, person } = walk.found;
      const path = `/invoices/${walk.rows.lines[0]!.invoice_no}`;
      const nobody = await signInAs(walk, undefined);
      const answers = {
        none: (await ask(walk, undefined, path)).status,
        forged: (await ask(walk, forged(machine ?? person), path)).status,
        nobody: (await ask(walk, nobody, path)).status,
        'nobody, sending': (await send(walk, walk.rows.main, nobody)).status,
      };
      same('statuses', answers, { none: 401, forged: 401, nobody: 403, 'nobody, sending': 403 });
      return undefined;
    },
  },
  {
    title: 'rows sent as CSV are all accounted for',
    async run(walk) {
      await sendAndBalance(walk, walk.rows.main);
      return undefined;
    },
  },
  {
    title: 'the same rows sent again are the same batch, and nothing is stored twice',
    async run(walk) {
      const { status, body } = await send(walk, walk.rows.main);
      same('the answer', [status, body.batch_id, body.known], [202, walk.found.batches.get(walk.rows.main.what), true]);
      const invoice = await get(walk, `/invoices/${walk.rows.main.invoice_no}`);
      same('lines of the invoice', invoice.line_count, walk.rows.main.kept);
      return undefined;
    },
  },
  {
    title: 'compressed bodies, other charsets and formats come through the gateway undamaged',
    async run(walk) {
      for (const body of walk.rows.others) await sendAndBalance(walk, body);
      const latin1 = walk.rows.others.find(({ what }) => what.startsWith('ISO-8859-1'))!;
      const invoice = await get(walk, `/invoices/${latin1.invoice_no}`);
      same('the name in ISO-8859-1', (invoice.lines as { description: string }[])[0]!.description, latin1Name);
      return walk.rows.others.map(({ what }) => what).join(', ');
    },
  },
  {
    title: 'gzip under text/csv is taken whole or refused with what to do, never stored damaged',
    async run(walk) {
      const { status, body, text } = await send(walk, walk.rows.fragile);
      if (status === 202) {
        await balanced(walk, walk.rows.fragile, String(body.batch_id));
        return 'this gateway lets it through';
      }
      if (status !== 400 || !String(body.detail).includes('application/octet-stream'))
        throw new Broken(`${status} ${text.slice(0, 300)}`);
      return 'this gateway ruins it; the API says so';
    },
  },
  {
    title: 'an invoice, its items and its customer read back to the last digit',
    async run(walk) {
      const { lines, customer_id, main } = walk.rows;
      const invoice = await get(walk, `/invoices/${main.invoice_no}`);
      const found = (invoice.lines as Record<string, unknown>[])
        .map(({ line_id, ...line }) => line)
        .sort((a, b) => String(Object(a).stock_code).localeCompare(String(Object(b).stock_code)));
      same('lines', found.map(sorted), lines.map(sorted));
      same('total', invoice.total, '299999999.9998');
      const items = await get(walk, `/invoices/${main.invoice_no}/items/${lines[0]!.stock_code}`);
      same('items of a stock code', (items as unknown as unknown[]).length, 1);
      const { fragile, upload } = walk.rows; // which may be refused, and which comes later
      const expected = walk.rows.invoices.filter(
        (invoice_no) => invoice_no !== fragile.invoice_no && invoice_no !== upload.invoice_no,
      );
      await until(walk, "the customer's invoices", CONSISTENT_S, async () => {
        const { invoices } = (await get(walk, `/customers/${customer_id}/invoices`)) as {
          invoices?: { invoice_no: string }[];
        };
        const numbers = new Set(invoices?.map(({ invoice_no }) => invoice_no));
        return expected.every((invoice_no) => numbers.has(invoice_no)) || undefined;
      });
      return undefined;
    },
  },
  {
    title: 'a refused row is shown as it came, with its reason and its line',
    async run(walk) {
      const id = walk.found.batches.get(walk.rows.main.what);
      const { rows } = (await get(walk, `/batches/${id}/rejected`)) as { rows?: { line: number }[] };
      same('refused rows', rows?.length, 2);
      const expected = { ...walk.rows.refused, reason: 'cancellation', field: 'invoice_no' };
      same('the cancellation', sorted(rows![0]!), sorted(expected));
      return undefined;
    },
  },
];

const send = (walk: Walk, body: Body, token = walk.found.machine): Promise<Answer> =>
  ask(walk, token, body.path, { headers: body.headers, bytes: body.bytes });

/** Sends a body and waits until the ledger says of it just what it must. */
async function sendAndBalance(walk: Walk, body: Body): Promise<void> {
  const { status, body: answer, text } = await send(walk, body);
  if (status !== 202) throw new Broken(`${body.what}: ${status} ${text.slice(0, 300)}`);
  same(`${body.what}: known before`, answer.known, false); // also not by those who were refused
  await balanced(walk, body, String(answer.batch_id));
}

/** Waits until the ledger says of a batch just what it must of the body. @throws Broken */
export async function balanced(walk: Walk, body: Body, id: string): Promise<void> {
  walk.found.batches.set(body.what, id);
  const seconds = walk.found.stuck ? STUCK_S : CLEANED_S;
  walk.found.stuck = true; // until it has come through
  const report = await until(walk, `${body.what}: outcomes of all rows of batch ${id}`, seconds, async () => {
    const batch = await get(walk, `/batches/${id}`);
    return batch.balanced || batch.status === 'failed' ? batch : undefined;
  });
  walk.found.stuck = false;
  const { status, received, kept, duplicate, rejected } = report;
  same(
    `${body.what}: the ledger`,
    { status, received, kept, duplicate, rejected: sorted(Object(rejected)) },
    {
      status: 'complete',
      received: body.received,
      kept: body.kept,
      duplicate: body.duplicate,
      rejected: sorted(body.rejected),
    },
  );
}

/** A token that says it is someone else's, under the old signature. */
function forged(token: string | undefined): string {
  if (token === undefined) throw new Broken('no token was to be had');
  const [head, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object;
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'someone-else' })).toString('base64url');
  return [head, changed, signature].join('.');
}

const sorted = (value: object) => Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
