import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as adapters from '#adapters';
import { type DailyRequest, reconcileDaily } from '../../shared/pipeline/reconcile';

const ports = {
  clock: adapters.clock(),
  history: adapters.history(),
  batches: adapters.batches(),
  lines: adapters.lines(),
  landed: adapters.landed(),
  refusals: adapters.refusals(),
  raw: adapters.raw(),
  recount: adapters.recount(),
  reports: adapters.reports(),
};

/** Kept back of the function's time for the object in hand, and for the report. */
const RESERVE_MS = 30_000;

/** The recount, as its state machine (resources/reconcile.js) asks for it. */
export const handler = middy<DailyRequest>().handler((request: DailyRequest, context: Context) =>
  reconcileDaily(request, ports, () => context.getRemainingTimeInMillis() - RESERVE_MS),
);
