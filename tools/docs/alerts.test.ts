import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Rule, shippedRules } from '../../test/deploy/prometheus/shipped.ts';

type Row = { promise: string; alert: string; fires: string };

const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const rows = rowsBelow('### Which alert tells that a promise is broken');

let alerts: Map<string, Rule>;
beforeAll(async () => {
  alerts = new Map((await shippedRules()).flatMap((rule) => (rule.alert ? [[rule.alert, rule] as const] : [])));
});

describe('alerts in docs/operations.md', () => {
  test('every alert of the table is in the rules, and every promise has one', () => {
    expect(rows.filter(({ alert }) => !alerts.has(alert))).toEqual([]);
    expect(rows.length).toBeGreaterThan(12);
    expect(rows[0]!.promise).not.toBe('');
  });

  test('the table has the limits and the times of the rules', () => {
    for (const { alert, fires } of rows) {
      const { expr, for: time } = alerts.get(alert)!;
      for (const limit of limitsOf(expr)) expect(numbersIn(fires), `${alert}: ${fires}`).toContain(limit);
      if (time === undefined) expect(fires, alert).toMatch(/^at once when /);
      else expect(fires.endsWith(`, for ${minutesOf(time)}`), `${alert} waits ${time}: ${fires}`).toBe(true);
    }
  });
});

describe('the check of limits', () => {
  test('finds what is compared, in parts of one as in percent', () => {
    expect(limitsOf('a / b > 0.8 and c{x="1"} < 100 unless d > 0')).toEqual([0.8, 100]);
    expect(numbersIn('over 0.5 % of an hour, of more than 200')).toEqual([0.005, 200]);
  });
});

/** The rows of the table under a heading. An empty cell continues the promise above. */
function rowsBelow(heading: string): Row[] {
  const [section = ''] = text.split(`${heading}\n`)[1]?.split('\n#') ?? [];
  const [, , ...lines] = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) => {
    const [promise = '', alert = '', fires = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return { promise, alert: alert.replaceAll('`', ''), fires };
  });
}

/** The limits that an expression compares with; 0 is not a limit. */
function limitsOf(expr: string): number[] {
  return [...expr.matchAll(/[<>] ([\d.]+)/g)].map(([, number]) => Number(number)).filter((limit) => limit !== 0);
}

function numbersIn(sentence: string): number[] {
  return [...sentence.matchAll(/(\d+(?:\.\d+)?)( %)?/g)].map(([, number, percent]) =>
    percent ? Number((Number(number) / 100).toPrecision(6)) : Number(number),
  );
}

/** `5m` as `5 minutes`. */
function minutesOf(time: string): string {
  const minutes = Number(/^(\d+)m$/.exec(time)![1]);
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}
