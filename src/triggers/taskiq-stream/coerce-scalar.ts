/** `type` of a JSON schema, absent for "anything". */
export type ScalarType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'object' | 'array' | undefined;

/** Converts one value, which is not an array or an object, to `type`. Returns it unchanged where that is impossible. */
export function coerceScalar(value: unknown, type: ScalarType, format: string | undefined): unknown {
  switch (type) {
    case 'integer':
      return toInteger(value);
    case 'number':
      return toNumber(value);
    case 'boolean':
      return toBoolean(value);
    case 'string':
      return toText(value, format);
    default:
      return value;
  }
}

/** Python's `int()` and `float()` allow a sign, blanks around, and single underscores between digits. */
const INTEGER = /^[+-]?\d+(_\d+)*(\.0*)?$/;
const DECIMAL = /^[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function toInteger(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string' || !INTEGER.test(value.trim())) return value;
  const integer = Number(value.trim().replaceAll('_', ''));
  // Beyond 2^53 the number would differ from the text. It stays text, and the schema refuses it.
  return Number.isSafeInteger(integer) ? integer : value;
}

function toNumber(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string' || !DECIMAL.test(value.trim())) return value;
  const number = Number(value.trim().replaceAll('_', ''));
  return Number.isFinite(number) ? number : value;
}

/** https://docs.pydantic.dev/latest/api/standard_library_types/#booleans */
const TRUE = new Set(['1', 'true', 't', 'yes', 'y', 'on']);
const FALSE = new Set(['0', 'false', 'f', 'no', 'n', 'off']);

function toBoolean(value: unknown): unknown {
  if (value === 0 || value === 1) return value === 1;
  if (typeof value !== 'string') return value;
  const word = value.toLowerCase();
  if (TRUE.has(word)) return true;
  return FALSE.has(word) ? false : value;
}

function toText(value: unknown, format: string | undefined): unknown {
  if (format === 'date-time') return toTimestamp(value);
  if (format === 'date') return toDay(value);
  if (format === 'uuid' && typeof value === 'string') return withDashes(value);
  return typeof value === 'number' ? String(value) : value;
}

/** The output of `datetime.isoformat()` and `str(datetime)`; without an offset it is UTC, as everywhere on the platform. */
const PYTHON_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?\s*(Z|[+-]\d\d:?\d\d)?$/i;
const OFFSET = /^([+-]\d\d):?(\d\d)$/;
/** pydantic reads larger numbers as milliseconds, smaller ones as seconds. */
const SECONDS_UP_TO = 20_000_000_000;

/** ISO text stays; Python's other spellings and Unix time become ISO text in UTC. */
function toTimestamp(value: unknown): unknown {
  if (typeof value === 'number') return isoOf(Math.abs(value) > SECONDS_UP_TO ? value : value * 1000) ?? value;
  if (typeof value !== 'string' || (value.includes('T') && value.endsWith('Z'))) return value;
  const [, day, time, second = ':00', fraction = '', zone = 'Z'] = PYTHON_TIME.exec(value.trim()) ?? [];
  if (!day) return value;
  return isoOf(Date.parse(`${day}T${time}${second}${fraction}${zone.toUpperCase().replace(OFFSET, '$1:$2')}`)) ?? value;
}

/** pydantic reads a date and time as a date where the time is midnight. */
function toDay(value: unknown): unknown {
  const midnight =
    typeof value === 'string' ? /^(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?$/i.exec(value) : null;
  return midnight?.[1] ?? value;
}

/** `UUID.hex`, `str(UUID)` and `UUID.urn` are the same UUID. */
function withDashes(value: string): string {
  const hex = /^(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/i.exec(
    value,
  );
  return hex ? hex.slice(1).join('-') : value;
}

function isoOf(timeMs: number): string | undefined {
  return Number.isFinite(timeMs) && Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : undefined;
}
