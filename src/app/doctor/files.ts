import { randomUUID } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Examination } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { failed, ok, timed, warning } from './findings.ts';

/** An export of a million rows takes about 100 MB, and is written beside its predecessor. */
const LOW_BYTES = 1024 ** 3;
const TOO_LOW_BYTES = 100 * 1024 ** 2;

/** Examines the storages of exports and of the audit archive: a file is stored, read and removed again, as a task would do it. */
export function fileExaminations({ config, services }: App): readonly Examination[] {
  const { storage } = services;
  const where = config.S3_BUCKET === undefined ? 'EXPORT_DIR' : 'S3_BUCKET, S3_ENDPOINT and the keys';
  const writing: Examination = {
    group: 'Exports',
    name: 'Storage',
    advice:
      config.S3_BUCKET === undefined
        ? `let user ${process.getuid?.() ?? 'of the worker'} write to EXPORT_DIR, name another folder, or set S3_BUCKET`
        : `check ${where}: objects must be put, read and deleted under S3_PREFIX`,
    async examine(signal) {
      const name = `doctor-${randomUUID()}.txt`;
      const { latencyMs } = await timed(async () => {
        await storage.put(name, Buffer.from('ok'), signal);
        if (!(await storage.stat(name, signal)))
          throw new Error(`storage ${storage.place}: what was stored is not there`);
        await storage.delete(name, signal);
      });
      return ok(`${storage.place} can be written to`, latencyMs);
    },
  };
  const remains: Examination = {
    group: 'Exports',
    name: 'Half-written exports',
    advice: `check ${where}`,
    async examine(signal) {
      // Nothing is that old, so nothing is removed.
      const { refused } = await storage.deleteUnfinished(new Date(0), signal);
      if (refused === undefined) return ok('what interrupted uploads leave behind can be found and removed');
      return warning(
        refused,
        'grant it, or let a lifecycle rule of the bucket remove unfinished multipart uploads; everything else is cleaned up',
      );
    },
  };
  if (config.S3_BUCKET !== undefined) return [writing, remains];
  return [
    writing,
    {
      group: 'Exports',
      name: 'Disk space',
      advice: 'check EXPORT_DIR',
      async examine() {
        const { bavail, bsize } = await statfs(await existing(config.EXPORT_DIR));
        const free = bavail * bsize;
        const text = `${(free / 1024 ** 3).toFixed(1)} GB free at ${config.EXPORT_DIR}`;
        const advice = 'make room, lower EXPORT_TTL_HOURS, or name a folder on another disk in EXPORT_DIR';
        if (free < TOO_LOW_BYTES) return failed(text, advice);
        return free < LOW_BYTES ? warning(text, advice) : ok(text);
      },
    },
  ];
}

/** The folder, or its nearest existing parent: the first export makes the folder. */
async function existing(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : await existing(dirname(folder));
}
