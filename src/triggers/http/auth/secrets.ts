/** Fields whose values give access, in any task. A code of a country or a currency is none, but no task has one. */
const SECRET_FIELD = /otp|token|password|secret|signature|credential|authorization|api_?key|(^|_)(code|pin)$/i;

export const HIDDEN = '•••';

/**
 * A copy for people: codes, tokens and signatures are hidden at every depth. A value that is nested deeper than twenty levels is hidden
 * whole.
 */
export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (depth > 20) return HIDDEN;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      SECRET_FIELD.test(field) && inner !== '' && inner !== null ? HIDDEN : withoutSecrets(inner, depth + 1),
    ]),
  );
}
