import type { AlertAnswer } from '../../repositories/redis/alerts/alert-answer-store.ts';
import type { AlertsContext } from '../alerts.ts';
import { type Command, type CommandArgs, type PersonContext, table, UsageError, wordAt } from './command.ts';

/** Alerts that are on, and answers to them. */
export type AlertContext = PersonContext & { alerts: AlertsContext };

const HOUR_MS = 3_600_000;

const DONE: Readonly<Record<string, string>> = {
  acknowledge: 'acknowledged: nobody else is told of it',
  mute: 'muted: nobody is told of it until then',
  unmute: 'not muted any more: where it is on and not acknowledged, it is told again',
};

export const alertCommands: readonly Command<AlertContext>[] = [
  {
    name: 'alerts',
    usage: '[acknowledge ID | mute ID --hours N | unmute ID]',
    maxWords: 2,
    summary: 'List alerts that are on, take care of one, or have nobody told of it for a time',
    options: { hours: { type: 'string' } },
    async run(args, context, { print }) {
      const { alerts, caller, record } = context;
      const [verb] = args.words;
      if (verb === undefined) {
        const { idle, on } = await alerts.list();
        const lines = on.map(({ acknowledged, id, muted, severity, since, state, subject }) => [
          ...[id, severity, subject, since.toISOString(), state],
          muted?.by ?? acknowledged?.by ?? '',
        ]);
        const heads = ['ID', 'SEVERITY', 'SUBJECT', 'SINCE', 'STATE', 'BY'];
        const mutes = idle.map(({ by, id, until }) => `muted and not on: ${id} until ${until.toISOString()} by ${by}`);
        print({ alerts: on, mutes: idle }, [
          ...(on.length === 0 ? ['No alert is on.'] : table([heads, ...lines])),
          ...mutes,
        ]);
        return 0;
      }
      if (!Object.hasOwn(DONE, verb))
        throw new UsageError(`alerts can list, acknowledge, mute and unmute, not '${verb}'`);
      const id = wordAt(args, 1, 'The id of the alert');
      const { answer, details } = await answerTo(verb, id, context, args);
      if (answer.kind === 'unknown')
        throw new UsageError(`There is no alert '${id}'; \`task-worker alerts\` lists them`);
      if (answer.kind === 'done')
        await record({ action: `alert.${verb}d`, entityType: 'alert', entityId: id, ...(details && { details }) });
      print({ alert: id, outcome: answer.kind, by: answer.kind === 'already' ? answer.by : caller }, [
        wordsOf(verb, answer),
      ]);
      return 0;
    },
  },
];

async function answerTo(
  verb: string,
  id: string,
  { alerts, caller, clock }: AlertContext,
  { options }: CommandArgs,
): Promise<{ answer: AlertAnswer; details?: Readonly<Record<string, unknown>> }> {
  if (verb === 'acknowledge') return { answer: await alerts.acknowledge(id, caller) };
  if (verb === 'unmute') return { answer: await alerts.unmute(id, caller) };
  const hours = Number(options.hours);
  if (options.hours === undefined || !(hours > 0 && hours <= 720))
    throw new UsageError('--hours says for how long, up to 720');
  const until = clock().getTime() + hours * HOUR_MS;
  return { answer: await alerts.mute(id, until, caller), details: { until: new Date(until).toISOString() } };
}

function wordsOf(verb: string, answer: Exclude<AlertAnswer, { kind: 'unknown' }>): string {
  if (answer.kind === 'done') return DONE[verb]!;
  if (answer.kind === 'already') return `${answer.by} has done that before, at ${answer.at.toISOString()}`;
  return verb === 'unmute' ? 'it was not muted' : 'it is over';
}
