/** `2026-03-01 14:05 UTC`: to the minute, in the one zone that this service has. */
export const minuteInUtc = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
