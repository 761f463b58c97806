import type { App } from './app.ts';
import { clockExaminations } from './examinations/clock.ts';
import { configurationExaminations } from './examinations/configuration.ts';
import { fileExaminations } from './examinations/files.ts';
import { outsideExaminations } from './examinations/outside.ts';
import { postgresExaminations } from './examinations/postgres.ts';
import { redisExaminations } from './examinations/redis.ts';
import { workExaminations } from './examinations/work.ts';
import type { DoctorContext } from './triggers/cli/doctor.ts';

/** What `task-worker doctor` looks at, in the order it reports. Nothing is asked before it begins. */
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
