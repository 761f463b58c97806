import { expect, test } from 'vitest';
import { sources } from './sources.ts';

/** Those that read the clock of their machine, each with its reason. */
const EXCEPT: Readonly<Record<string, string>> = {
  'repositories/redis/shared-clock.ts': 'until Redis has answered once',
  'observability/log.ts': 'a line is of its machine',
  'observability/metrics.ts': 'a start is of its machine',
  'observability/sentry.ts': 'a report is of its machine',
  'observability/spans.ts': 'a span is of its machine',
  'runtime/job-facts.ts': 'held against times of BullMQ, which reads the clock of the machine',
  'runtime/runner.ts': 'a time for BullMQ',
  'runtime/scheduler.ts': 'times for BullMQ; `clock` is the shared one',
  'app/doctor/clock.ts': 'holds the clock of the machine against those of the servers',
  'app/doctor/panel-events.ts': 'a command without workers: nothing is kept',
  'app/doctor/work.ts': 'held against times of BullMQ',
  'triggers/http/health.ts': 'says since when this process sees it so',
  'clients/backend.ts': 'a field that Crypto Pay fills with its own time and nobody reads',
  'clients/remnawave/errors.ts': 'the moment of a Retry-After, held against the clock by which this process waits',
};

/**
 * What is kept, told or decided has its time from the shared clock (`shared-clock.ts`): a worker whose own clock is wrong told an admin that
 * 20 users had taken it ten minutes, and promised a file for a day and ten minutes.
 */
test('nobody asks the clock of the machine', async () => {
  const found = [...(await sources())]
    .filter(([, text]) => /\bDate\.now\(\)|\bnew Date\(\)|performance\.timeOrigin/.test(withoutComments(text)))
    .map(([path]) => path);
  expect(new Set(found)).toEqual(new Set(Object.keys(EXCEPT)));
});

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
