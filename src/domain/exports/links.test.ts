import { expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { ExportLinks } from './links.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const LATER = new Date(NOW.getTime() + hours(24));
const TOKENS = ['first-token-of-the-api', 'second-token-of-the-api'];

const linksAt = (
  now: Date,
  apiTokens: readonly string[] = TOKENS,
  publicUrl: string | undefined = 'https://ops.test',
) => new ExportLinks({ publicUrl, apiTokens, clock: () => now });
const queryOf = (link: string): Record<string, string> => Object.fromEntries(new URL(link).searchParams);

test('a signed link opens its export until its time is over', () => {
  const link = linksAt(NOW).to('job-1', LATER)!;
  expect(link).toMatch(/^https:\/\/ops\.test\/api\/v1\/exports\/job-1\?expires=\d+&signature=[\w-]{43}$/);
  expect(linksAt(NOW).isSigned('job-1', queryOf(link))).toBe(true);
  expect(linksAt(new Date(LATER.getTime() - 1000)).isSigned('job-1', queryOf(link))).toBe(true);
  expect(linksAt(LATER).isSigned('job-1', queryOf(link))).toBe(false);
});

test('it opens nothing else, and nothing that was changed', () => {
  const query = queryOf(linksAt(NOW).to('job-1', LATER)!);
  const links = linksAt(NOW);
  const flipped = (query.signature!.startsWith('A') ? 'B' : 'A') + query.signature!.slice(1);
  expect(links.isSigned('job-2', query)).toBe(false);
  expect(links.isSigned('job-1', { ...query, expires: String(Number(query.expires) + 1) })).toBe(false);
  expect(links.isSigned('job-1', { ...query, signature: flipped })).toBe(false);
  expect(links.isSigned('job-1', { ...query, signature: '' })).toBe(false);
  expect(links.isSigned('job-1', { ...query, signature: ['x'] })).toBe(false);
  expect(links.isSigned('job-1', { signature: query.signature })).toBe(false);
});

test('every worker with the same tokens has the same key; other tokens end all links', () => {
  const query = queryOf(linksAt(NOW).to('job-1', LATER)!);
  expect(linksAt(NOW, [...TOKENS].reverse()).isSigned('job-1', query)).toBe(true);
  expect(linksAt(NOW, TOKENS.slice(1)).isSigned('job-1', query)).toBe(false);
  expect(linksAt(NOW, []).isSigned('job-1', query)).toBe(false);
});

test('where nobody could follow a link there is none', () => {
  expect(linksAt(NOW, []).to('job-1', LATER)).toBeUndefined();
  expect(
    new ExportLinks({ publicUrl: undefined, apiTokens: TOKENS, clock: () => NOW }).to('job-1', LATER),
  ).toBeUndefined();
});
