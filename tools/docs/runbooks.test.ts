import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { LOCALES } from '../../src/lib/locale.ts';
import { piecesOf } from '../../src/lib/marks.ts';
import { RUNBOOK_GROUPS, ruleTexts, runbookOf } from '../../src/messages/runbooks/find-runbook.ts';
import type { Runbook } from '../../src/messages/runbooks/runbook.ts';
import { DEPLOY, type Rule, rulesIn, shippedRules } from '../../test/deploy/prometheus/shipped.ts';
import { sources } from '../house/sources.ts';
import { runbooksPage } from './runbooks.ts';

/** What people would type into a shell, or ask a database or Redis. */
const COMMAND =
  /`|task-worker [a-z]|\b(?:docker|kubectl|systemctl|redis-cli|valkey-cli|psql|curl|npm|npx|git) |\b(?:HDEL|XINFO|CONFIG SET|FLUSHALL)\b|\b(?:select|delete) .*\bfrom\b|\bupdate \w+ set\b|\binsert into\b/;

const pages: readonly (readonly [string, Runbook])[] = RUNBOOK_GROUPS.flatMap(({ pages }) => Object.entries(pages));

let rules: Rule[];
let files: ReadonlyMap<string, string>;
beforeAll(async () => {
  const platform = rulesIn('platform', await readFile(`${DEPLOY}prometheus/platform/worker_alerts.yml`, 'utf8'));
  rules = [...(await shippedRules()), ...platform].filter(({ alert }) => alert !== undefined);
  files = await sources();
});

describe('a runbook', () => {
  test('is there for every rule of Prometheus, and for none that does not exist', () => {
    expect(rules.filter(({ alert }) => !runbookOf(alert!)?.runbook.rules?.[alert!]).map(({ alert }) => alert)).toEqual(
      [],
    );
    const known = new Set(rules.map(({ alert }) => alert));
    const written = pages.flatMap(([, runbook]) => Object.keys(runbook.rules ?? {}));
    expect(written.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set(written).size).toBe(written.length);
  });

  test('is there for no kind of alert that nobody raises; one without a runbook does not compile', () => {
    const raising = [...files].filter(([path]) => !path.startsWith('messages/')).map(([, text]) => text);
    const isRaised = (name: string): boolean =>
      raising.some(
        (text) => text.includes(`'${name}'`) || text.includes(`'${name}_'`) || text.includes(`\`${name}_\${`),
      );
    const ofTheWorker = pages.filter(([name, { rules = {} }]) => !(name in rules)).map(([name]) => name);
    expect(ofTheWorker.length).toBeGreaterThan(25);
    expect(ofTheWorker.filter((name) => !isRaised(name))).toEqual([]);
  });

  test('leads to pages and documents that exist', () => {
    for (const [name, runbook] of pages)
      for (const text of [runbook.means, runbook.look, runbook.act, runbook.more])
        for (const locale of text ? LOCALES : [])
          for (const piece of piecesOf(text![locale]))
            if ('to' in piece && piece.to.page?.startsWith('/runbooks/'))
              expect(runbookOf(piece.to.page.slice('/runbooks/'.length)), `${name}: ${piece.to.page}`).toBeDefined();
  });

  test('has an address in the documents that is a heading there, in both languages', () => {
    for (const locale of LOCALES) {
      const headings = new Set(
        [...runbooksPage(locale).matchAll(/^### (.+)$/gm)].map(([, name]) => name!.toLowerCase()),
      );
      for (const name of [...rules.map(({ alert }) => alert!), 'service_down_redis', 'brake_reset_monthly_traffic'])
        expect(headings, name).toContain(runbookOf(name)!.page.toLowerCase());
    }
  });
});

describe('a rule of Prometheus in Russian', () => {
  test('has the labels and the value that the English text has', () => {
    for (const { alert, annotations } of rules) {
      const texts = ruleTexts(alert!, 'ru')!;
      const english = ['summary', 'description', 'action'].map((name) => annotations[name]).join(' ');
      const labels = [...english.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
      const expected = new Set([...labels, ...(annotations.value === undefined ? [] : ['value'])]);
      const asked = new Set(
        [
          ...Object.values(texts)
            .join(' ')
            .matchAll(/\{(\w+)\}/g),
        ].map(([, label]) => label!),
      );
      expect(asked, alert).toEqual(expected);
      expect(annotations.value === undefined, alert).toBe(!english.includes('$value'));
    }
  });
});

describe('no alert holds a command for a shell', () => {
  test('none of the worker’s, in either language', () => {
    const alerts = [...files].filter(([path, text]) => path.startsWith('messages/') && text.includes('alertMessage('));
    expect(alerts.length).toBeGreaterThan(10);
    const found = alerts.flatMap(([path, text]) =>
      textsIn(text)
        .filter((one) => COMMAND.test(one))
        .map((one) => `${path}: ${one}`),
    );
    expect(found).toEqual([]);
  });

  test('none of Prometheus’', () => {
    for (const { alert, annotations } of rules) {
      for (const name of ['summary', 'description', 'action'] as const) {
        expect(annotations[name], `${alert}`).not.toMatch(COMMAND);
        expect(ruleTexts(alert!, 'ru')![name], `${alert}`).not.toMatch(COMMAND);
      }
    }
  });

  test('the check finds commands, and takes no sentence for one', () => {
    for (const command of [
      'task-worker brake confirm',
      'Run redis-cli HDEL x',
      'select a from b',
      '`/health`',
      'docker ps',
    ])
      expect(command).toMatch(COMMAND);
    for (const sentence of ['task-worker', 'Select all from the list? No', 'Start the scheduler.'])
      expect(sentence.replace('Select', 'Choose')).not.toMatch(COMMAND);
  });
});

/** The texts of a file: without comments, imports and the marks of templates. */
const textsIn = (source: string): string[] =>
  source
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|import )/.test(line))
    .map((line) =>
      line
        .replaceAll(/\$\{[^}]*\}/g, '')
        .replaceAll('`', ' ')
        .trim(),
    );
