import { describe, expect, test } from 'vitest';
import { sources } from './sources.ts';
import { callsWithinTransactions, openedByHand } from './transactions.ts';

const ours = await sources();

test('no transaction is open over a call of a client', () => {
  expect(callsWithinTransactions(ours)).toEqual([]);
});

test('a call of a real client is found among all of our own code', () => {
  const planted = `import type { Panel } from '../clients/remnawave/panel.ts';
import type { Database } from '../repositories/database.ts';
export const planted = (database: Database, panel: Panel, signal: AbortSignal) =>
  database.transaction().execute(async () => panel.user('1', signal));`;
  expect(callsWithinTransactions(new Map(ours).set('domain/planted.ts', planted))).toEqual([
    'domain/planted.ts:4 > PanelUsers.user',
  ]);
});

describe('found is a call', () => {
  const client = ['clients/pay.ts', 'export class Pay { async make(): Promise<string> { return ""; } }'] as const;
  const imports = "import { Pay } from '../clients/pay.ts';\n";
  const found = (text: string, ...others: (readonly [string, string])[]): string[] =>
    callsWithinTransactions(new Map([client, ...others, ['domain/a.ts', imports + text]]));

  test.each([
    [
      'in the callback itself',
      'declare const db: any, pay: Pay; db.transaction().execute(async () => { await pay.make(); });',
    ],
    [
      'under an isolation level',
      'declare const db: any, pay: Pay; db.transaction().setIsolationLevel("x").execute(() => pay.make());',
    ],
    [
      'handed on by name',
      'declare const db: any, pay: Pay; db.transaction().execute(() => Promise.all([1].map(pay.make)));',
    ],
    [
      'of what was taken out of the client',
      'declare const db: any, pay: Pay; db.transaction().execute(() => { const { make } = pay; return make(); });',
    ],
  ])('%s', (_, text) => {
    expect(found(text)).toEqual(['domain/a.ts:2 > Pay.make']);
  });

  test('behind functions and private methods, however many', () => {
    const text = `export class A {
  constructor(readonly db: any, readonly pay: Pay) {}
  run() { return this.db.transaction().execute(async () => this.#first()); }
  async #first() { return second(this.pay); }
}
const second = async (pay: Pay) => third(pay);
async function third(pay: Pay) { for (const one of [pay]) await one.make(); }`;
    expect(found(text)).toEqual(['domain/a.ts:4 > A.#first > second > third > Pay.make']);
  });

  test('in work that is handed to what opens the transaction', () => {
    const lock = [
      'repositories/lock.ts',
      'export class Lock { db: any; within<T>(work: (t: any) => Promise<T>) { return this.db.transaction().execute(async (t: any) => work(t)); } }',
    ] as const;
    const text = `import { Lock } from '../repositories/lock.ts';
export const run = (lock: Lock, pay: Pay) => lock.within(async () => pay.make());`;
    expect(found(text, lock)).toEqual(['repositories/lock.ts:1 > work > Pay.make']);
  });

  test('behind a signature, by everything that is called so', () => {
    const text = `type Settlement = { paid(): Promise<unknown> };
export const through = (pay: Pay): Settlement => ({ async paid() { return pay.make(); } });
export const run = (db: any, settlement: Settlement) => db.transaction().execute(() => settlement.paid());`;
    expect(found(text)).toEqual(['domain/a.ts:4 > Settlement.paid > Pay.make']);
  });

  test('of fetch', () => {
    expect(found('declare const db: any; db.transaction().execute(() => fetch("http://x"));')).toEqual([
      'domain/a.ts:2 > fetch',
    ]);
  });

  test('but not one before or after it, nor a plain function that a client file exports', () => {
    const plain = ['clients/plain.ts', 'export const isPlain = (text: string): boolean => text === "";'] as const;
    const text = `import { isPlain } from '../clients/plain.ts';
export async function run(db: any, pay: Pay) {
  const made = await pay.make();
  await db.transaction().execute(async (t: any) => t.insert(isPlain(made)));
  await pay.make();
}`;
    expect(found(text, plain)).toEqual([]);
  });
});

test('only reads are kept open by hand, while a file is written: they lock no row', () => {
  // Each is a look at the table as it stood when it began, and lasts as long as its storage takes. Another one is a decision.
  expect(openedByHand(ours)).toEqual(['repositories/audit-logs.ts', 'repositories/export-rows.ts']);
});

test('a transaction that is opened by hand is found', () => {
  const planted = new Map([
    ['a.ts', "await client.query('begin');"],
    ['b.ts', 'const open = await db.startTransaction().execute();'],
    ['c.ts', 'const rows = db.selectFrom("x").stream(100);'],
    ['d.ts', '// Where we begin: nothing.'],
  ]);
  expect(openedByHand(planted)).toEqual(['a.ts', 'b.ts', 'c.ts']);
});
