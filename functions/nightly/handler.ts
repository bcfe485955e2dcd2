import middy from '@middy/core';
import * as adapters from '#adapters';
import { type Task, takeStep } from '../../shared/pipeline/nightly';

const ports = {
  clock: adapters.clock(),
  backlog: adapters.backlog(),
  bulkOutput: adapters.bulkOutput(),
  later: adapters.later(),
  reports: adapters.reports(),
  telemetry: adapters.telemetry(),
};

/** A step of the nightly run, as its state machine (resources/nightly.js) asks for it. */
export const handler = middy<Task>().handler((task: Task) => takeStep(task, ports));
