type Step = { what: string; before: string; after: string; kept: string };

/**
 * The steps by which work was made cheaper, each measured by itself before it was kept or taken back. Times are processor time on a machine
 * that others used too, so only the two figures of one row are of the same minute.
 */
const STEPS: readonly Step[] = [
  {
    what: 'Commands that a worker sends in one turn of the loop leave in one system call (`join-writes.ts`)',
    before: 'ours ÷ bare by processor time 0.41 in the same hour',
    after: '0.60 with at most 16 in one call; reads of Redis for a task from 0.19 to 0.08',
    kept: 'kept',
  },
  {
    what: 'The same with at most 4 in one call',
    before: '0.60 with 16',
    after: '0.51',
    kept: 'taken back: 8, so that Redis works on the first while the worker goes on with the next',
  },
  {
    what: 'Completed jobs past their time are looked for every 5 ms or by each 64th, not by each completion (`patient-worker.ts`)',
    before: '3 commands of Redis for a task',
    after: '3 for 64 tasks; what Redis spends on the script of a task, against bare, from 1.4 to 1.15 times',
    kept: 'kept',
  },
  {
    what: 'The fields of a run are bound to its log by us, without a child of pino, whose levels are built anew and whose fields are parsed again for each line',
    before: '9.1 % of a task',
    after: 'parsing (3.8 %) and child (1.6 %) are gone',
    kept: 'kept',
  },
  {
    what: 'The text of a log line’s time is made once for a millisecond',
    before: '1.5 % of a task',
    after: 'once for all lines of a millisecond',
    kept: 'kept',
  },
  {
    what: 'Panel: the schema of an answer’s envelope is built once, not for each answer, for which Zod compiled it again',
    before: '51.6 µs a call',
    after: '1.8 µs',
    kept: 'kept',
  },
  {
    what: 'All clients: the time limit of a call listens to the signal of its run without `AbortSignal.any`',
    before: '10.8 µs a call',
    after: '3.0 µs',
    kept: 'kept',
  },
  {
    what: 'Panel: an answer of a known length is read in one piece',
    before: 'a loop over the pieces of a web stream',
    after: 'one call',
    kept: 'kept',
  },
  {
    what: 'Telegram: a slot is held until a second after the answer, in place of the times at which the last 30 left, 20 ms of slack and 100 ms at the start',
    before: '31 in a second and one 429 in 12 rounds',
    after:
      'no more than 30 for any lateness up to a second, by a property test; the most is 29.7 a second with answers within 8 ms, and 29 with answers after 32 ms',
    kept: 'kept',
  },
  {
    what: 'Telegram: messages that ask for a slot, and answers that free one, share a trip to Redis, at any rate',
    before: '1,205 to 1,723 trips for 1,000 messages at 5,000 a second, and no slots above 500 a second',
    after: '289 to 364 trips; 1,000 a second of a paid broadcast are exact',
    kept: 'kept',
  },
  {
    what: 'A young generation of 16 MiB instead of 1',
    before: 'ours ÷ bare 0.64',
    after: '0.70, and tens of MB more in an idle process, an export half as long again',
    kept: 'taken back',
  },
  {
    what: 'Memory: scheduler and supervisor without the code of tasks, and of BullMQ what is used',
    before: 'own pages of the default installation 207 MiB, idle',
    after: '193 MiB',
    kept: 'kept',
  },
  {
    what: 'Memory: `node:http` without the client behind `fetch`, which an import of it loads; the configuration parsed without compiling its schema',
    before: '193 MiB; an import of `node:http` 5 MiB and 40 ms',
    after: '189 MiB; 0.5 MiB and 10 ms',
    kept: 'kept',
  },
  {
    what: 'Memory: scheduler and supervisor without baseline machine code, with code for size',
    before: '189 MiB; a scheduler 48, a supervisor 45',
    after: '180 MiB; 44 and 40',
    kept: 'kept',
  },
  {
    what: 'Memory: `--max-lazy`; one arena of malloc',
    before: 'a scheduler 50 MiB',
    after: '51; the same within 1 MiB',
    kept: 'taken back',
  },
  {
    what: 'PostgreSQL does not compile the worker’s statements (`jit`): it believed a search of the outbox to be long, and took longer to compile it than to run it',
    before: 'a search of 60,000 messages of a million: 225 ms, 189 of them for compiling two statements',
    after: '31 ms; 200,000 messages are looked at instead, in under 100 ms',
    kept: 'kept',
  },
  {
    what: 'The young generation grows while a worker is busy, from 1 to 8 MiB (`heap-keeper.ts`)',
    before: 'a broadcast of 12,500: 1.05 ms of processor time a message, 34 % of it collections; 14.2 s',
    after: '0.80 ms; 12.2 s; an idle process takes what it took, one under load 5 to 16 MB more',
    kept: 'kept',
  },
  {
    what: 'Panel: the schema of a user after an act is built once as well; the one before was lost with each call, and its envelope with it',
    before: '1.07 ms of processor time for each user of a bulk operation',
    after: '0.53 ms; 1,800 users a second instead of 850 on a shared machine',
    kept: 'kept',
  },
  {
    what: 'The heap is collected once when the work is over, and once after the start (`heap-keeper.ts`): V8 waits for the next work with that',
    before: 'after a broadcast of 12,500: 261 MB resident, also 20 s later; an idle worker 165 MB',
    after: '201 MB five quiet seconds later; 154 MB',
    kept: 'kept',
  },
  {
    what: 'Telegram: at 250 to 8,000 a second, messages that come within 4 ms share a reservation and a trip for slots',
    before:
      '12,000 messages at 1,000/s: 18.9 commands of Redis and 0.98 ms of processor time for each, beside another program',
    after: '14.5 commands and 0.67 ms',
    kept: 'kept',
  },
  {
    what: 'It grows only where collections take a tenth of the time, and to 4 MiB: an export works on buffers, which nothing frees between two collections',
    before:
      'a million payments: up to 100 MB above idle, 1.89 times the time of `\\copy` as CSV, 2.07 as JSON; a sweep over 100,000 users 54 MB',
    after:
      'up to 36 MB, 1.37 and 1.52; the sweep 43 MB; a broadcast without limit 854 a second, and 873 with 8 MiB in the same hour',
    kept: 'kept',
  },
  {
    what: 'V8’s own sizes of the heap in place of those that keep it small, for a worker under a full queue of tasks that do nothing',
    before: '70 to 111 µs of processor time a task in two runs of four rounds',
    after: '60 to 77 µs, within the spread of the other; tens of MB more in an idle process',
    kept: 'taken back',
  },
  {
    what: 'Calls of the panel by `node:http` with connections that stay open, in place of `fetch`, 40,000 calls of 1.3 KB from a server that does nothing',
    before: '98 µs of processor time a call',
    after:
      '47 µs; a bulk operation without latency would come from 0.31 to some 0.37 of the bare loop, and one at a real panel nowhere',
    kept: 'not taken: the answers, errors and aborts of `fetch` are held against the real panels',
  },
];

/** The section of `docs/performance.md` that tells what was tried. */
export function stepsSection(): string[] {
  return [
    '## Steps',
    '',
    'What was tried to make it cheaper, each step measured by itself and kept or taken back. Times are processor time on a machine that others used too: compare the two figures of one row, and no others.',
    '',
    '| step | before | after | |',
    '|---|---|---|---|',
    ...STEPS.map(({ after, before, kept, what }) => `| ${what} | ${before} | ${after} | ${kept} |`),
    '',
  ];
}
