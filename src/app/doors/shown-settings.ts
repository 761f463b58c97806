import { type Config, variables } from '../../config.ts';
import { secretPartsOf } from '../../lib/env-values.ts';

const HIDDEN = '•••';

/** Every variable that has a value, as the console shows it. Of one that is marked as secret only what its mark lets through. */
export function shownSettings(config: Config): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(variables.shape).flatMap(([name, field]) => {
      const value: unknown = config[name as keyof typeof variables.shape];
      return value === undefined ? [] : [[name, shown(field, value)] as const];
    }),
  );
}

function shown(field: Parameters<typeof secretPartsOf>[0], value: unknown): string {
  const secretParts = secretPartsOf(field);
  if (!secretParts) return Array.isArray(value) ? value.map(itemInWords).join(', ') : String(value);
  // A marked value of another form, such as a list of tokens, has no part that is safe to tell apart.
  if (typeof value !== 'string') return HIDDEN;
  return secretParts(value).reduce((text, part) => (part === '' ? text : text.replaceAll(part, HIDDEN)), value);
}

const itemInWords = (item: unknown): string =>
  typeof item === 'object' && item !== null ? Object.values(item).join(':') : String(item);
