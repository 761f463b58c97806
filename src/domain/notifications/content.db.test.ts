import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseEntities } from '../../../sandbox/telegram/entities.ts';
import type { DeliveredMessage } from '../../../sandbox/telegram/record.ts';
import { html } from '../../lib/html.ts';
import { type NotificationRow, queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.database.pool.query('truncate notification_queue cascade');
  await world.redis.client.flushall();
  world.telegram.reset();
});

/** A piece of a message as it is written, and what of it is to be read where Telegram takes the HTML and where it does not. */
type Piece = { written: string; seen: string; plain: string; isValid: boolean };

const LETTERS = ['a', 'Z', 'ж', 'ש', 'ع', 'é', 'й', '0', ' ', ' ', '\n', '"', '<', '>', '&', ';', "'", '中'];
const CLUSTERS = ['👩‍👩‍👧‍👦', '🇷🇺', '👍🏽', 'ก็', 'नि', '\u200f', '\u200d', '1️⃣'];
const text = fc
  .string({ unit: fc.constantFrom(...LETTERS, ...CLUSTERS), maxLength: 300 })
  .map((seen): Piece => ({ written: html`${seen}`.toString(), seen, plain: seen, isValid: true }));
const longWord = fc
  .tuple(fc.constantFrom('x', 'ы', '🔒', '&lt;', '&#128274;', '👩‍👩‍👧‍👦'), fc.integer({ min: 500, max: 1_500 }))
  .map(([unit, count]): Piece => {
    const seen = unit.replace('&lt;', '<').replace('&#128274;', '🔒').repeat(count);
    return { written: unit.repeat(count), seen, plain: seen, isValid: true };
  });
/** What people type, what other programs write, and what is cut off; a space behind it keeps it from what follows. */
const broken = fc
  .constantFrom(
    ...['<help@vpn.example>', 'x<y', '<3', '<script>', '1 < 2', '<b', '<i think so>', '</ b', '<a href="x', '<>'].map(
      (written) => ({ written, plain: written }),
    ),
    ...['<br>', '<p>', '</p>', '<li class="x">', '<b>', '</i>', '<blockquote>', '<span>'].map((written) => ({
      written,
      plain: '',
    })),
  )
  .map(({ plain, written }): Piece => ({ written: `${written} `, seen: plain, plain, isValid: false }));

const TAGS = ['b', 'strong', 'I', 'u', 's', 'code', 'pre', 'blockquote expandable', 'tg-spoiler'];
const OPENINGS = [...TAGS, 'span class="tg-spoiler"', 'tg-emoji emoji-id="5"', 'code class="language-sh"'];

/** An address that nothing else in a message looks like. */
const address = fc.nat(9_999).map((n) => `https://t.example/${n}?a=1&b=2`);
const ADDRESS = /https:\/\/t\.example\/\d+\?a=1&b=2/g;

const { link, pieces } = fc.letrec<{ pieces: Piece; element: Piece; link: Piece }>((tie) => ({
  pieces: fc
    .array(
      fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        { arbitrary: text, weight: 6 },
        { arbitrary: longWord, weight: 1 },
        { arbitrary: tie('element'), weight: 6 },
        { arbitrary: tie('link'), weight: 3 },
      ),
      { maxLength: 6 },
    )
    .map(joined),
  element: fc
    .tuple(fc.constantFrom(...OPENINGS), tie('pieces'))
    .map(([tag, inner]) => ({ ...inner, written: `<${tag}>${inner.written}</${tag.split(' ')[0]}>` })),
  link: fc.tuple(address, text).map(([url, inner]) => ({
    ...inner,
    written: `<a href="${html`${url}`}">pay${inner.written}</a>`,
    seen: `pay${inner.seen}`,
    plain: `pay${inner.plain} (${url})`,
  })),
}));

function joined(all: readonly Piece[]): Piece {
  return {
    written: all.map(({ written }) => written).join(''),
    seen: all.map(({ seen }) => seen).join(''),
    plain: all.map(({ plain }) => plain).join(''),
    isValid: all.every(({ isValid }) => isValid),
  };
}

/** Two pieces that are broken on their own can make a tag together, which Telegram reads: `<i think so> </i>`. */
const isAsMeant = ({ isValid, written }: Piece): boolean => isValid || !parseEntities(written).ok;

const BEGIN: Piece = { written: 'm', seen: 'm', plain: 'm', isValid: true };
const message = fc
  .array(fc.oneof({ arbitrary: pieces, weight: 4 }, { arbitrary: broken, weight: 1 }), { minLength: 1, maxLength: 4 })
  .map((all) => joined([BEGIN, ...all]))
  .filter(isAsMeant);
/** Some of one kind leave as one message, which may be longer than one is. */
const alert = fc
  .array(fc.oneof({ arbitrary: text, weight: 6 }, { arbitrary: link, weight: 3 }, { arbitrary: broken, weight: 1 }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((all) => joined([BEGIN, ...all]))
  .filter(isAsMeant);

/** The marks that alerts of one kind get where they leave as one message: their count, and a line each. */
const MERGED = /🔁\d+alertsofonekind|[•·]/gu;

/** The characters that people see of a text besides spaces. An address is left out, since it stands in the text or behind a link. */
const inkOf = (shown: string): string =>
  shown
    .replaceAll(ADDRESS, '')
    .replaceAll(/\s?\(\)/g, '')
    .replaceAll(/[\s\p{Cf}]/gu, '');

const addressesOf = (arrived: readonly DeliveredMessage[]): ReadonlySet<string> =>
  new Set(
    arrived.flatMap(({ entities, visible }) => [...(visible.match(ADDRESS) ?? []), ...entities.map(({ url }) => url!)]),
  );

const addressed = (piece: Piece): Set<string> => new Set(piece.plain.match(ADDRESS));

test('whatever is sent, and whichever way it takes, every visible character arrives, in order and once', async () => {
  let chats = 0;
  const alone = fc.array(message, { minLength: 30, maxLength: 40 });
  const together = fc.array(fc.array(alert, { minLength: 2, maxLength: 4 }), { minLength: 6, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(alone, together, async (messages, groups) => {
      const sent = [
        ...messages.map((piece) => ({ chat: ++chats, type: 'info', pieces: [piece] })),
        ...groups.map((group) => ({ chat: ++chats, type: 'alert:test', pieces: group })),
      ];
      await queueNotifications(
        world.database.pool,
        sent.flatMap(({ chat, pieces: all, type }) =>
          all.map(({ written }, i) => ({ telegramId: chat, type, message: written, dueSecondsAgo: 60 - i })),
        ),
      );
      await world.run('process_notification_queue');
      for (const { chat, pieces: all } of sent) {
        const arrived = world.telegram.messages({ chatId: chat });
        const { rows } = await world.database.pool.query<NotificationRow>(
          'select * from notification_queue where telegram_id = $1',
          [chat],
        );
        const isPlain = arrived.some(({ parse_mode }) => parse_mode === null);
        const ink = (text: string): string => inkOf(text).replaceAll(MERGED, '');
        expect(ink(arrived.map(({ visible }) => visible).join(''))).toBe(ink(all.map(({ plain }) => plain).join('')));
        for (const url of all.flatMap((piece) => [...addressed(piece)]))
          expect([...addressesOf(arrived)]).toContain(url);
        if (all.every(({ isValid }) => isValid)) expect(isPlain).toBe(false);
        const broken = new Set(all.filter(({ isValid }) => !isValid).map(({ written }) => written));
        for (const { error_message, message: written, status } of rows) {
          expect(status).toBe('sent');
          if (error_message === null) continue;
          expect(broken).toContain(written);
          expect(error_message).toMatch(/^sent as plain text: Bad Request: can't parse entities: /);
        }
        // A broken message that is longer than one of Telegram's, or that leaves with others, may be mended before Telegram sees it.
        expect(rows.some(({ error_message }) => error_message !== null)).toBe(isPlain);
      }
    }),
    { numRuns: 2, endOnFailure: true },
  );
});
