import { customerOn, headOf, partOf } from './made';
import type { Stores } from './tables';

/** An error with what caused it. */
export function saysOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  return `${name}: ${message}${cause ? ` <- ${(cause as { code?: string }).code ?? (cause as Error).name}` : ''}`;
}

/** How each call fails that a stage makes of a port with a table. */
export async function saysOfAll({ batches, chunks, files, invoices, customers }: Stores): Promise<string[]> {
  const id = 'cd'.repeat(16);
  const chunk = { batch_id: id, number: 1, chunk_id: `${id}-2-0123456789ab` };
  const counts = { revision: 0, kept: 0, duplicate: 0, rejected: {}, cleaned_at: 'now' };
  const calls = [
    batches.open(headOf(id)),
    batches.accept(id, 'now'),
    batches.find(id),
    chunks.find(id, 1),
    chunks.record({ ...chunk, ...counts }),
    chunks.fail({ ...chunk, failed_at: 'now' }),
    files.claim({ hash: 'f', part: 1, parts: 1 }, id),
    invoices.read(['1']),
    invoices.write([partOf('1', 0, 1, [])]),
    customers.put([customerOn('1', '1')]),
  ];
  const answers = await Promise.allSettled(calls);
  return answers.map((answer) => (answer.status === 'rejected' ? saysOf(answer.reason) : 'went through'));
}
