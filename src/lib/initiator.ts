/**
 * The initiator of a job or an act, as jobs, messages and `audit_logs` have it. It begins with its kind: `token:olga`, `cli:root`,
 * `telegram:7`. Others are one word: `schedule`, `taskiq`, `cryptobot`, or the name of a task. The name of a token has no colon, and no other initiator begins with
 * `token:`, so no name passes for another.
 */
const TOKEN = 'token:';

/** The initiator by the name of a token. */
export const tokenInitiator = (name: string): string => `${TOKEN}${name}`;

/** The initiator by the name under which somebody is logged in: that of a token, or a person of the staff's bot, whose name says so. */
export const loginInitiator = (name: string): string => (name.startsWith('telegram:') ? name : tokenInitiator(name));

/** The name of the token; undefined where the initiator is none. */
export const tokenNameOf = (initiator: string): string | undefined =>
  initiator.startsWith(TOKEN) ? initiator.slice(TOKEN.length) : undefined;
