import { styleText } from 'node:util';
import { type DoctorContext, type Examined, examined, type Level } from '../examination.ts';
import type { Command, Output } from './command.ts';

export const doctorCommands: readonly Command<DoctorContext>[] = [
  {
    name: 'doctor',
    usage: '',
    maxWords: 0,
    summary:
      'Check everything this service depends on, one line each with what to do; exit code 1 where something failed',
    async run(_args, { examinations, patient }, output) {
      const found = await Promise.all(examinations().map((one) => examined(one)));
      const rows = found.map(({ advice, finding, group, latencyMs, level, name }) => ({
        group,
        name,
        level,
        ok: level !== 'failed',
        finding,
        ...(advice !== undefined && { advice }),
        ...(latencyMs !== undefined && { latency_ms: Math.round(latencyMs) }),
      }));
      output.print(rows, report(patient, found, output));
      return found.some(({ level }) => level === 'failed') ? 1 : 0;
    },
  },
];

const MARKS: Readonly<Record<Level, { mark: string; style: 'green' | 'yellow' | 'red' }>> = {
  ok: { mark: '✓', style: 'green' },
  warning: { mark: '!', style: 'yellow' },
  failed: { mark: '✗', style: 'red' },
};

/** A narrower terminal breaks lines where it likes. */
const NARROWEST = 60;
const MARGIN = 2;

type Paint = (style: 'green' | 'yellow' | 'red' | 'bold' | 'dim', text: string) => string;

/** The report, group by group: each thing with its mark and its finding, and the advice below it. */
function report(patient: string, found: readonly Examined[], { columns, isColored }: Output): string[] {
  const paint: Paint = (style, text) => (isColored ? styleText(style, text, { validateStream: false }) : text);
  const nameWidth = Math.max(...found.map(({ name }) => name.length));
  const indent = MARGIN + 2 + nameWidth + 2;
  const width = Math.max(columns ?? Number.POSITIVE_INFINITY, NARROWEST) - indent - MARGIN;
  const lines = [...Map.groupBy(found, ({ group }) => group)].flatMap(([group, members]) => [
    '',
    paint('bold', group),
    ...members.flatMap((member) => linesOf(member, { indent, nameWidth, paint, width })),
  ]);
  return [paint('bold', patient), ...lines, '', sum(found, paint)];
}

function linesOf(
  { advice, finding, latencyMs, level, name }: Examined,
  { indent, nameWidth, paint, width }: { indent: number; nameWidth: number; paint: Paint; width: number },
): string[] {
  const { mark, style } = MARKS[level];
  const took = latencyMs === undefined ? '' : ` (${latencyMs < 10 ? latencyMs.toFixed(1) : Math.round(latencyMs)} ms)`;
  const [first = '', ...others] = wrapped(finding + took, width);
  const todo = advice === undefined ? [] : wrapped(advice, width - 2);
  const below = ' '.repeat(indent);
  return [
    `${' '.repeat(MARGIN)}${paint(style, mark)} ${name.padEnd(nameWidth)}  ${level === 'ok' ? first : paint(style, first)}`,
    ...others.map((line) => below + (level === 'ok' ? line : paint(style, line))),
    ...todo.map((line, i) => `${below}${i === 0 ? '→ ' : '  '}${line}`),
  ];
}

/** Words in lines of at most `width` characters; a longer word has a line for itself. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function sum(found: readonly Examined[], paint: Paint): string {
  const count = (level: Level): number => found.filter((one) => one.level === level).length;
  const [failed, warnings, ok] = [count('failed'), count('warning'), count('ok')];
  if (failed + warnings === 0) return paint('green', `All ${ok} are well.`);
  const parts = [
    failed > 0 ? paint('red', `${failed} failed`) : undefined,
    warnings > 0 ? paint('yellow', `${warnings} to look at`) : undefined,
    `${ok} ok`,
  ];
  return `${parts.filter((part) => part !== undefined).join(', ')}.`;
}
