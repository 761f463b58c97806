import type { DoctorContext } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { clockExaminations } from './clock.ts';
import { configurationExaminations } from './configuration.ts';
import { fileExaminations } from './files.ts';
import { outsideExaminations } from './outside.ts';
import { postgresExaminations } from './postgres.ts';
import { redisExaminations } from './redis.ts';
import { workExaminations } from './work.ts';

/** The examinations of `task-worker doctor`, in the order of the report. Nothing is asked before it begins. */
export function doctorContext(app: App, env: Readonly<Record<string, string | undefined>>): DoctorContext {
  return {
    patient: `task-worker ${app.version}, Node ${process.versions.node}`,
    examinations: () => [
      ...configurationExaminations(app, env),
      ...redisExaminations(app),
      ...postgresExaminations(app),
      ...clockExaminations(app),
      ...outsideExaminations(app),
      ...fileExaminations(app),
      ...workExaminations(app),
    ],
  };
}
