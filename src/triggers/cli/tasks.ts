import type { Approval } from '../../repositories/history/approval-rows.ts';
import type { Schedule } from '../../runtime/define-task.ts';
import { describeSchedule, describeTask } from '../../runtime/describe-task.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { Queues } from '../../runtime/queues.ts';
import type { TaskRegistry } from '../../runtime/registry.ts';
import {
  type Command,
  type CommandArgs,
  EX_TEMPFAIL,
  type Output,
  type PersonContext,
  payloadOption,
  table,
  UsageError,
  wordAt,
} from './command.ts';

export type TaskContext = PersonContext & {
  /** The schedules that a person has paused. Both acts are recorded in `audit_logs`, and answer false where nothing changed. */
  pausedSchedules: {
    all(): Promise<ReadonlyMap<string, { by: string }>>;
    pause(task: string, reason: string | undefined): Promise<boolean>;
    resume(task: string): Promise<boolean>;
  };
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  queues: Queues;
  disabledTasks: ReadonlySet<string>;
  schedules: ReadonlyMap<string, Schedule>;
  /** Has a task wait for a second person where this payload needs one. Undefined: one yes is enough. */
  heldForSecond(name: string, payload: Record<string, unknown>): Promise<Approval | undefined>;
  /** Runs a task in this process until it is done. `elsewhere` says who goes on with it. */
  runHere(
    name: string,
    payload: Record<string, unknown>,
    progress: (sentence: string) => void,
  ): Promise<{ result: Readonly<Record<string, unknown>>; elsewhere?: string }>;
};

const payload = { payload: { type: 'string' }, 'dry-run': { type: 'boolean' } } as const;

/** The payload, with `dry_run` where the option says so. A task without a mass effect has no such field, and says so. */
const payloadOf = (args: CommandArgs): Record<string, unknown> => ({
  ...payloadOption(args),
  ...(args.options['dry-run'] === true && { dry_run: true }),
});

export const taskCommands: readonly Command<TaskContext>[] = [
  {
    name: 'run',
    usage: '<task> [--payload JSON] [--dry-run]',
    maxWords: 1,
    summary:
      'Run one task here and now until it is done, and print its result; exit code 75 where it is not, with what goes on where; --dry-run lists what it would do and changes nothing',
    options: payload,
    async run(args, { heldForSecond, record, registry, runHere }, { note, print }) {
      const name = wordAt(args, 0, 'The task to run');
      const held = await heldForSecond(name, payloadOf(args));
      if (held) return printHeld(held, print);
      // A dry run changes nothing, and leaves no entry either.
      if (payloadOf(args).dry_run !== true)
        await record({ action: 'task.run', entityType: 'task', entityId: registry.get(name).task.name });
      const { elsewhere, result } = await runHere(name, payloadOf(args), note);
      print(result, [JSON.stringify(result, undefined, 2)]);
      if (elsewhere === undefined) return 0;
      note(elsewhere);
      return EX_TEMPFAIL;
    },
  },
  {
    name: 'dispatch',
    usage: '<task> [--payload JSON] [--dry-run]',
    maxWords: 1,
    summary: 'Put one task into its queue and print the job id',
    options: payload,
    async run(args, { caller, dispatcher, heldForSecond, record, registry, schedules }, { print }) {
      const name = wordAt(args, 0, 'The task to dispatch');
      const held = await heldForSecond(name, payloadOf(args));
      if (held) return printHeld(held, print);
      // A scheduled task is unique at this door too.
      const unique = schedules.has(registry.get(name).task.name);
      const asked = { source: 'cli', initiatedBy: caller, unique } as const;
      const { already, jobId, task } = await dispatcher.dispatchNamed(name, payloadOf(args), asked);
      const details = { job_id: jobId, ...(already && { already }) };
      await record({ action: 'task.dispatched', entityType: 'task', entityId: task.name, details });
      print({ job_id: jobId, task: task.name, queue: task.queue, already }, [
        already
          ? `${task.name} waits or runs already, with the same payload, as job ${jobId} in queue ${task.queue}`
          : `${task.name} is in queue ${task.queue} as job ${jobId}`,
      ]);
      return 0;
    },
  },
  {
    name: 'tasks',
    usage: '',
    maxWords: 0,
    summary: 'List all tasks',
    async run(_args, { disabledTasks, registry, schedules }, { print }) {
      const rows = registry.tasks.map((task) =>
        describeTask(task, schedules.get(task.name), disabledTasks.has(task.name)),
      );
      const lines = rows.map((row) => [
        row.queue,
        row.name,
        row.enabled ? (row.schedule ?? 'on demand') : 'off',
        row.summary,
      ]);
      print(rows, table([['QUEUE', 'TASK', 'SCHEDULE', 'WHAT IT DOES'], ...lines]));
      return 0;
    },
  },
  {
    name: 'schedules',
    usage: '[pause TASK [--reason TEXT] | resume TASK]',
    maxWords: 2,
    summary: 'List the schedules as they are in Redis, with their next run, or pause or resume one',
    options: { reason: { type: 'string' } },
    async run(args, context, { print }) {
      const { pausedSchedules, queues, schedules } = context;
      if (args.words.length > 0) return await turn(args, context, print);
      await queues.ready();
      const paused = await pausedSchedules.all();
      const inRedis = new Map((await queues.ticks.getJobSchedulers()).map((found) => [found.key, found.next]));
      const rows = [...schedules].map(([task, schedule]) => {
        const next = inRedis.get(task);
        return {
          task,
          schedule: describeSchedule(schedule),
          next_run: next === undefined ? null : new Date(next).toISOString(),
          paused_by: paused.get(task)?.by ?? null,
        };
      });
      const lines = rows.map((row) => [
        row.task,
        row.schedule,
        row.paused_by ? `paused by ${row.paused_by}` : (row.next_run ?? 'not registered: is a scheduler running?'),
      ]);
      print(rows, table([['TASK', 'SCHEDULE (UTC)', 'NEXT RUN'], ...lines]));
      return rows.every((row) => row.next_run !== null) ? 0 : 1;
    },
  },
];

/** It is not done yet. */
function printHeld({ expiresAt, id, subject }: Approval, print: Output['print']): number {
  const until = expiresAt.toISOString();
  print({ approval: id, task: subject, expires_at: until }, [
    `${subject} waits until ${until} for the yes of a second person, as ${id}; \`task-worker approvals\` lists what waits`,
  ]);
  return EX_TEMPFAIL;
}

/** Pauses or resumes one schedule. */
async function turn(args: CommandArgs, context: TaskContext, print: Output['print']): Promise<number> {
  const { pausedSchedules, registry, schedules } = context;
  const verb = args.words[0];
  if (verb !== 'pause' && verb !== 'resume') throw new UsageError(`schedules can pause and resume, not '${verb}'`);
  const { name } = registry.get(wordAt(args, 1, 'The task of the schedule')).task;
  if (!schedules.has(name))
    throw new UsageError(`${name} has no schedule; \`task-worker schedules\` lists those that have`);
  const { reason } = args.options;
  const isPause = verb === 'pause';
  if (reason !== undefined && !isPause) throw new UsageError('--reason goes with pause');
  const isChanged = isPause
    ? await pausedSchedules.pause(name, reason === undefined ? undefined : String(reason).slice(0, 300))
    : await pausedSchedules.resume(name);
  const now = isPause ? 'is paused' : 'runs again from its next time on';
  const before = isPause ? 'was paused already' : 'was not paused';
  print({ task: name, paused: isPause, changed: isChanged }, [`${name} ${isChanged ? now : before}`]);
  return 0;
}
