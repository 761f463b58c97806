/** The stored state of the sandbox panel, small enough for 100,000 users: `wire.ts` derives the other fields from the id. */

export type Status = 'ACTIVE' | 'DISABLED' | 'LIMITED' | 'EXPIRED';
export type Strategy = 'NO_RESET' | 'DAY' | 'WEEK' | 'MONTH' | 'MONTH_ROLLING';

/** Times are milliseconds since the epoch. */
export type SandboxUser = {
  id: number;
  uuid: string;
  shortUuid: string;
  username: string;
  status: Status;
  expireAt: number;
  createdAt: number;
  updatedAt: number;
  telegramId: number | null;
  email: string | null;
  tag: string | null;
  description: string | null;
  /** Whether the user is in the default squad. One who is created by the API without squads is in none. */
  isInSquad: boolean;
  trafficLimitBytes: number;
  trafficLimitStrategy: Strategy;
  usedTrafficBytes: number;
  lifetimeUsedTrafficBytes: number;
  onlineAt: number | null;
  lastConnectedNodeUuid: string | null;
  lastTrafficResetAt: number | null;
  subRevokedAt: number | null;
  /** Counts up with each revocation: the secrets are derived from it and the id. */
  revocations: number;
};

export type NodeState = 'connected' | 'connecting' | 'down' | 'disabled';

export type SandboxNode = {
  id: number;
  uuid: string;
  name: string;
  countryCode: string;
  address: string;
  state: NodeState;
  lastStatusChange: number;
  lastStatusMessage: string | null;
  usersOnline: number;
  trafficResetDay: number;
  /** How many times each byte of a user is counted for the user from now on; what is counted already stays. */
  consumptionMultiplier: number;
  /** The same for the counter of the node itself (3.x only). */
  nodeConsumptionMultiplier: number;
  /** The counter at `countedAt`; it grows by the rate, weighted by the multiplier, while the node is connected. */
  trafficUsedBytes: number;
  /** The bytes themselves at `countedAt`, which the panel's statistics and metrics tell; never weighted, never set back. */
  flownBytes: number;
  trafficBytesPerSecond: number;
  /** The bytes of `flow` by day, beside those of the rate. */
  flownOn: Record<string, number>;
  countedAt: number;
  createdAt: number;
};

/** An error that the panel did not foresee. */
export class InternalError extends Error {}

/** A refusal with the panel's own code. */
export class DomainError extends Error {
  readonly status: number;
  readonly errorCode: string;

  constructor(errorCode: keyof typeof DOMAIN_ERRORS) {
    const { status, message } = DOMAIN_ERRORS[errorCode];
    super(message);
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** From `constants/errors` of the contract package; A018 for a duplicate name as observed on a running 3.3.2, A019 as its source means it. */
const DOMAIN_ERRORS = {
  A011: { status: 404, message: 'Node not found' },
  A018: { status: 500, message: 'Failed to create user' },
  A019: { status: 400, message: 'User username already exists' },
  A024: { status: 500, message: 'Get all users error' },
  A026: { status: 500, message: 'Get user by error' },
  A025: { status: 404, message: 'User not found' },
  A029: { status: 400, message: 'User already disabled' },
  A030: { status: 400, message: 'User already enabled' },
  A063: { status: 404, message: 'User with specified params not found' },
  A089: { status: 500, message: 'LIMITED and EXPIRED statuses are not allowed to be set manually.' },
} as const;
