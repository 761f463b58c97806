import { hash } from 'node:crypto';

/** The longest text that is looked at: what differs between two kinds of errors stands at their beginning. */
const LOOKED_AT = 1_000;

/**
 * The parts that differ between two errors of one kind: quoted values, addresses with their port, UUIDs, hexadecimal ids, numbers with their unit.
 * Each pattern reads the text once.
 */
const VALUES: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/"[^"\n]{0,300}"|'[^'\n]{0,300}'(?!\w)|`[^`\n]{0,300}`|«[^»\n]{0,300}»|“[^”\n]{0,300}”/g, '<value>'],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, '<id>'],
  [/\b(?=\d{0,64}[a-f])(?=[a-f]{0,64}\d)[\da-f]{8,64}\b/gi, '<id>'],
  [/\d+(?:[.,:_-]\d+)*/g, '<n>'],
];

/** The text of an error without its values, so that equal errors have equal texts. */
export function errorPattern(text: string): string {
  return VALUES.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text.slice(0, LOOKED_AT));
}

/** Sixteen hexadecimal digits that errors of one class and one pattern share. */
export const errorFingerprint = (code: string, text: string): string =>
  hash('sha256', `${code}\n${errorPattern(text)}`).slice(0, 16);
