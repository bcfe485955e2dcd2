import { reportKey } from '../../domain/lake';
import type { Reports } from '../../pipeline/ports';
import type { LakeFolder } from './lake';

/** Reports of nights in the lake, one file each. */
export const reportsIn = (lake: LakeFolder): Reports => ({
  keep: (report) => lake.put(reportKey(report), JSON.stringify(report, null, 2)),
});
