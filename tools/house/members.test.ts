import { expect, test } from 'vitest';
import { shippedProgram, unusedMembers } from './members.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** The types of the whole service are read, which takes seconds, and many times that on a busy machine. */
const READING_ALL_MS = 240_000;

test(
  'nothing that a file exports, and no public member of it, is for tests alone',
  () => expect(unusedMembers(shippedProgram(ROOT), ROOT)).toEqual([]),
  READING_ALL_MS,
);

/** What is found in these files; `src/main.ts` stands for all that ships. */
const found = (files: Record<string, string>): string[] =>
  unusedMembers(shippedProgram(ROOT, new Map(Object.entries(files))), ROOT);

test('a member that only a test uses is found', () => {
  expect(
    found({
      'src/store.ts': `
        export class Store {
          #all = 1;
          find() { return this.#all; }
          get size() { return 1; }
          forTests() {}
          recursive() { this.recursive(); }
          [Symbol.dispose]() {}
        }
        export const keys = { one: () => '1', two: () => '2' };
        export const codes = { a: 1, b: 2 };
        export function onlyTested() {}
        export type Unread = 1;`,
      'src/main.ts': `
        import { codes, keys, Store } from './store.ts';
        const { find } = new Store();
        find();
        new Store().size;
        keys.one();
        Object.values(codes);`,
      'src/store.test.ts': `
        import { keys, onlyTested, Store, type Unread } from './store.ts';
        new Store().forTests();
        keys.two();
        onlyTested();
        const x: Unread = 1;`,
    }),
  ).toEqual([
    'src/store.ts: Store.forTests',
    'src/store.ts: Store.recursive',
    'src/store.ts: Unread',
    'src/store.ts: keys.two',
    'src/store.ts: onlyTested',
  ]);
});

test('a member counts as used where a type that asks for it is used', () => {
  expect(
    found({
      'src/port.ts': 'export type Port = { send(text: string): void; close(): void };',
      'src/mail.ts': `
        import type { Port } from './port.ts';
        export class Mail implements Port { send() {} close() {} }
        export class Chat { send() {} close() {} }
        export class Other { send(by: number) {} }
        export class Part { send() {} }`,
      'src/main.ts': `
        import { Chat, Mail, Other, Part } from './mail.ts';
        import type { Port } from './port.ts';
        const ports: Port[] = [new Mail(), new Chat()];
        for (const port of ports) port.send('x');
        const picked: Pick<Part, 'send'> = new Part();
        picked.send();
        new Other();`,
    }),
  ).toEqual(['src/mail.ts: Chat.close', 'src/mail.ts: Mail.close', 'src/mail.ts: Other.send']);
});

test('a member that a base class asks for is used where that of the base is', () => {
  expect(
    found({
      'src/base.ts': `
        export class Base { run() { this.step(); } step() {} idle() {} }
        export class Own extends Base { override step() {} override idle() {} }
        export class Failure extends Error { override name = 'Failure'; }`,
      'src/main.ts': `
        import { Failure, Own } from './base.ts';
        new Own().run();
        throw new Failure();`,
    }),
  ).toEqual(['src/base.ts: Base.idle', 'src/base.ts: Own.idle']);
});
