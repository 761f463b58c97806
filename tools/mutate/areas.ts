/** A part of the code whose mistakes cost money or trust, and the tests that have to notice them. */
export interface Area {
  readonly name: string;
  /** Sources, as globs from the repository's root. */
  readonly sources: readonly string[];
  /** Tests within one process, as globs. Tests of whole processes start sources that carry no mutant. */
  readonly tests: readonly string[];
}

export const AREAS: readonly Area[] = [
  {
    name: 'roles',
    sources: ['src/triggers/http/auth/*.ts', 'src/lib/api-role.ts'],
    tests: ['src/triggers/http/auth/*.test.ts', 'src/triggers/http/access.db.test.ts'],
  },
  {
    name: 'brakes',
    sources: ['src/domain/brakes/*.ts', 'src/repositories/redis/brakes/*.ts'],
    tests: ['src/domain/brakes/*.test.ts', 'src/app/doors/brakes.db.test.ts'],
  },
  {
    name: 'limits',
    sources: [
      'src/repositories/redis/notifications/{telegram-limiter,telegram-scripts,turn-queue}.ts',
      'src/domain/notifications/{lanes,paid-budget,policy,sender}.ts',
    ],
    tests: [
      'src/repositories/redis/notifications/*.test.ts',
      'src/domain/notifications/sender.db.test.ts',
      'src/tasks/notifications/{process-notification-queue,send-notification}.db.test.ts',
      'src/app/doors/broadcast-extras.db.test.ts',
    ],
  },
  {
    name: 'reminders',
    sources: ['src/domain/subscriptions/{brackets,due-notices,notice-truth,notices,telling,used-up-traffic}.ts'],
    tests: [
      'src/domain/subscriptions/*.test.ts',
      'src/tasks/subscriptions/{check-expiring-subscriptions,disable-expired-users,look-at-panel-users,odd-users}.db.test.ts',
    ],
  },
  {
    name: 'delivery',
    sources: ['src/domain/notifications/{claims,drain,message-groups,message-text,settlement,write-back}.ts'],
    tests: ['src/domain/notifications/*.test.ts', 'src/tasks/notifications/*.test.ts'],
  },
  {
    name: 'payments',
    sources: [
      'src/domain/payments/{activation,backend-settlement,backend-telling,closing,completed-by-others,completion,desk-rules,entitlements,evidence,ledger,renewal,settlement,verdict}.ts',
      'src/lib/{money,purchase}.ts',
    ],
    tests: ['src/domain/payments/*.test.ts', 'src/tasks/payments/*.test.ts', 'src/lib/money*.test.ts'],
  },
];
