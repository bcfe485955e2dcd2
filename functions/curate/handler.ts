import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as adapters from '#adapters';
import { type CurateRequest, curate } from '../../shared/pipeline/curate';
import { buildInsights } from '../../shared/pipeline/insights';

const ports = {
  clock: adapters.clock(),
  landed: adapters.landed(),
  curation: adapters.curation(),
  engine: adapters.engine(),
  built: adapters.built(),
  profiles: adapters.profiles(),
  history: adapters.history(),
  telemetry: adapters.telemetry(),
};

/** What the nightly run asks for; `began_at` is of the build that is to be gone on with, if any. */
type Task =
  | ({ readonly task: 'curate' } & CurateRequest)
  | { readonly task: 'build'; readonly began_at?: string | null };

/** Kept back of the function's time for the statement that is under way, and for the note of it. */
const RESERVE_MS = 30_000;

/**
 * What is new in landing goes into the curated tables, or what is in them into the insights. Whoever calls, calls again
 * until the answer is done.
 */
export const handler = middy<Task>().handler(async (task: Task, context: Context) => {
  const timeLeft = () => context.getRemainingTimeInMillis() - RESERVE_MS;
  if (task.task === 'curate') return curate(task, ports, timeLeft);
  return buildInsights({ began_at: task.began_at ?? undefined }, ports, timeLeft);
});
