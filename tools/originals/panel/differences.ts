import type { Answer, Player, Stage } from './player.ts';
import type { Step } from './scenario/steps.ts';
import { tokenised } from './tokens.ts';

export type Recorded = 'cut' | { status: number; type?: string; body?: unknown };
export type Exchange = Step & { answer?: Recorded };

/**
 * `exact`: each value. `form`: the status, the fields and their types, where values are a machine's or a moment's. `counted`: the form of
 * every item, and each value that is neither, such as how traffic is counted.
 */
export type How = 'exact' | 'form' | 'counted';

/** Where `counted` compares each value: of statistics, users, nodes and processes. */
const COUNTED = new RegExp(
  [
    ...['series', 'topNodes', 'sparklineData', 'upload', 'download', 'totalBytesLifetime', 'current'],
    ...['userTraffic', 'response.status', 'isDisabled', 'countryCode', 'trafficResetDay', 'notifyPercent'],
    ...['trafficUsedBytes', 'trafficLimitBytes', 'consumptionMultiplier', 'nodeConsumptionMultiplier', 'instanceType'],
  ]
    .map((path) => `\\.${path}$`)
    .join('|'),
);

/** How the sandbox's answer differs from the recorded one, in words; undefined where it does not. */
function difference(recorded: Recorded, given: Answer, player: Player, now: number, how: How): string | undefined {
  if (recorded === 'cut' || given === 'cut') {
    return recorded === given ? undefined : `recorded ${said(recorded)}, given ${said(given)}`;
  }
  const { status, type } = given;
  if (recorded.status !== status) return `.status: ${recorded.status} recorded, ${status} given`;
  const body = tokenised(given.body, { now, keys: player.keys });
  const heard = { status, ...(type !== null && { type }), ...(given.body !== undefined && { body }) };
  return unlike(recorded, heard, '', how);
}

const said = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? 'nothing';

/** The first place at which two values differ. */
export function unlike(recorded: unknown, heard: unknown, path: string, asked: How = 'exact'): string | undefined {
  const how = asked === 'counted' && COUNTED.test(path) ? 'exact' : asked;
  if (Array.isArray(recorded) && Array.isArray(heard)) return listUnlike(recorded, heard, path, how);
  if (isObject(recorded) && isObject(heard)) return objectUnlike(recorded, heard, path, how);
  const isAlike = how === 'exact' ? recorded === heard : formOf(recorded) === formOf(heard);
  return isAlike ? undefined : `${path}: ${said(recorded)} recorded, ${said(heard)} given`;
}

/** Of forms, one item of a list stands for all; a machine may have none. */
function listUnlike(recorded: unknown[], heard: unknown[], path: string, how: How): string | undefined {
  if (how !== 'exact' && (recorded.length === 0 || heard.length === 0)) return undefined;
  if (how !== 'form' && recorded.length !== heard.length) {
    return `${path}: ${recorded.length} of them recorded, ${heard.length} given: ${said(recorded)} / ${said(heard)}`;
  }
  const compared = how === 'form' ? recorded.slice(0, 1) : recorded;
  for (const [i, one] of compared.entries()) {
    const found = unlike(one, heard[i], `${path}[${i}]`, how);
    if (found) return found;
  }
  return undefined;
}

type Fields = Record<string, unknown>;

function objectUnlike(recorded: Fields, heard: Fields, path: string, how: How): string | undefined {
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(heard)])) {
    if (!(key in heard)) return `${path}.${key} is missing`;
    if (!(key in recorded)) return `${path}.${key} is too much`;
    const [one, other] = [recorded[key], heard[key]];
    // What may be null is not null at every moment.
    if (how !== 'exact' && (one === null || other === null)) continue;
    const found = unlike(one, other, `${path}.${key}`, how);
    if (found) return found;
  }
  return undefined;
}

/** `number` for a number, and for what stands for one. */
const formOf = (value: unknown): string => (value === '<number>' ? 'number' : typeof value);

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Steps whose answer depends on how the panel was run for the record: it tells a name that is taken (400 A019) by the words of a native
 * engine, which cannot be had here; through `pg` the words are others, and it answers 500 A018. The client takes both.
 */
const BY_THE_WAY_IT_WAS_RUN: ReadonlySet<string> = new Set(['create: the same name again']);

/** Every difference, by the name of its step. */
export async function differences(
  exchanges: readonly Exchange[],
  stage: Stage,
  player: Player,
  how: How = 'exact',
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const exchange of exchanges) {
    const answer = await player.play(exchange);
    const problem = exchange.answer && difference(exchange.answer, answer!, player, stage.now(), how);
    if (problem && !BY_THE_WAY_IT_WAS_RUN.has(exchange.name)) found[exchange.name] = problem;
  }
  return found;
}
