import { z } from 'zod';
import type { ProcessNote } from '../../../repositories/redis/monitoring/process-notes.ts';
import type { Examined } from '../../examination.ts';
import type { HttpContext } from '../context.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

type Breaker = ProcessNote['breakers'][number];
const WORST: readonly Breaker['state'][] = ['closed', 'half_open', 'open'];

/** The breakers of one service in all processes. */
export type ServiceBreaker = {
  service: string;
  /** The one in the worst state. */
  worst: Breaker;
  /** How many processes have it in that state, of how many that have it. */
  same: number;
  of: number;
};

const BreakerBody = z.object({
  service: z.string(),
  state: z
    .enum(['closed', 'half_open', 'open'])
    .describe(
      'The worst of all processes. `closed`: calls pass; `half_open`: one is tried; `open`: they are held back',
    ),
  since: time,
  why: z.string().optional(),
  processes: z.int().describe('How many processes have it in this state'),
  of: z.int().describe('How many processes have it'),
});

const ProcessBody = z.object({
  host: z.string(),
  pid: z.int(),
  role: z.string(),
  version: z.string(),
  started_at: time,
  heard_at: time,
});

const LimitsBody = z.object({
  telegram: z.object({
    sent: z.int().describe('Messages of the last second'),
    per_second: z.number().describe('The limit'),
    paused_ms: z.int().describe('For so long Telegram has asked to wait'),
  }),
  panel: z.object({
    used: z.int().describe('Requests that are on'),
    at_once: z.int().describe('The limit'),
    waiting: z.int().describe('Processes that wait for a place'),
  }),
});

const SystemBody = z.object({
  version: z.string().describe('Of the process that answers'),
  mixed_versions: z.boolean().describe('True where processes of different versions run'),
  processes: z.array(ProcessBody),
  breakers: z.array(BreakerBody).describe('One for each service, the worst first'),
  limits: LimitsBody,
});

const FindingBody = z.object({
  group: z.string(),
  name: z.string(),
  level: z.enum(['ok', 'warning', 'failed']),
  finding: z.string(),
  advice: z.string().optional().describe('What to do'),
  latency_ms: z.number().optional().describe('How long the answer of a dependency took'),
});

for (const [id, schema] of Object.entries({ System: SystemBody, Finding: FindingBody }))
  namesOfSchemas.add(schema, { id });

/** The installation itself. Services and queues are in the overview. */
export function systemRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'State', method: 'GET' } as const;
  return [
    apiRoute({
      ...about,
      id: 'getSystem',
      path: '/api/v1/system',
      needs: 'view',
      summary: 'Processes with their versions, circuit breakers, and how much of the limits is in use',
      answers: { 200: { description: 'As of now', schema: SystemBody } },
      async handle() {
        const [processes, limits] = await Promise.all([context.state.processes(), context.state.limits()]);
        return { status: 200, body: systemBody(context.version, processes, limits) };
      },
    }),
    apiRoute({
      ...about,
      id: 'examine',
      path: '/api/v1/system/examination',
      needs: 'admin',
      summary: 'What `task-worker doctor` finds, with what to do about each thing',
      description: 'It asks every dependency; one that does not answer takes 6 s.',
      answers: {
        200: {
          description: 'What was found',
          schema: z.object({
            patient: z.string().describe('The installation that was examined'),
            at: time.describe('When, 10 s ago at most'),
            findings: z.array(FindingBody),
          }),
        },
      },
      async handle() {
        const { doctor } = context;
        const { at, found } = await doctor.whole();
        return {
          status: 200,
          body: { patient: doctor.patient, at: at.toISOString(), findings: found.map(findingBody) },
        };
      },
    }),
    apiRoute({
      ...about,
      id: 'listSettings',
      path: '/api/v1/system/settings',
      needs: 'owner',
      summary: 'The settings in force, without their secret parts',
      answers: {
        200: {
          description: 'By name',
          schema: z.object({ settings: z.array(z.object({ name: z.string(), value: z.string() })) }),
        },
      },
      handle: async () => ({ status: 200, body: { settings: settingsList(context) } }),
    }),
  ];
}

/** The settings, which have lost their secrets before. */
export const settingsList = ({ settings }: Pick<HttpContext, 'settings'>): { name: string; value: string }[] =>
  [...settings].map(([name, value]) => ({ name, value }));

/** One for each service, the worst first. */
export function breakersOf(processes: readonly ProcessNote[]): ServiceBreaker[] {
  const all = Map.groupBy(
    processes.flatMap(({ breakers }) => breakers),
    ({ service }) => service,
  );
  const rows = [...all].map(([service, breakers]) => {
    const worst = breakers.reduce((a, b) => (WORST.indexOf(b.state) > WORST.indexOf(a.state) ? b : a));
    const same = breakers.filter(({ state }) => state === worst.state).length;
    return { service, worst, same, of: breakers.length };
  });
  return rows.sort((a, b) => WORST.indexOf(b.worst.state) - WORST.indexOf(a.worst.state));
}

/** Whether processes of different versions run at once. */
export const isMixed = (processes: readonly ProcessNote[]): boolean =>
  new Set(processes.map(({ version }) => version)).size > 1;

function systemBody(
  version: string,
  processes: readonly ProcessNote[],
  { panel, panelConcurrency, telegram, telegramRate }: Awaited<ReturnType<HttpContext['state']['limits']>>,
): z.output<typeof SystemBody> {
  return {
    version,
    mixed_versions: isMixed(processes),
    processes: processes.map(({ at, host, pid, role, startedAt, version: own }) => ({
      ...{ host, pid, role, version: own },
      started_at: startedAt.toISOString(),
      heard_at: at.toISOString(),
    })),
    breakers: breakersOf(processes).map(({ of, same, service, worst: { since, state, why } }) => ({
      ...{ service, state, since: since.toISOString(), processes: same, of },
      ...(why !== undefined && { why }),
    })),
    limits: {
      telegram: { sent: telegram.sent, per_second: telegramRate, paused_ms: telegram.pausedMs },
      panel: { used: panel.used, at_once: panelConcurrency, waiting: panel.waiting },
    },
  };
}

const findingBody = ({ advice, finding, group, latencyMs, level, name }: Examined): z.output<typeof FindingBody> => ({
  ...{ group, name, level, finding },
  ...(advice !== undefined && { advice }),
  ...(latencyMs !== undefined && { latency_ms: latencyMs }),
});
