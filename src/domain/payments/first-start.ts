import type { AuditLogs } from '../../repositories/audit-logs.ts';

/** When a worker first stood beside this platform: kept in `audit_logs`, which survives Redis, and read once by each process. */
export class FirstStart {
  readonly #auditLogs: Pick<AuditLogs, 'firstStart'>;
  readonly #startedAt: () => Date;
  #known: Date | undefined;

  constructor(auditLogs: Pick<AuditLogs, 'firstStart'>, startedAt: () => Date) {
    this.#auditLogs = auditLogs;
    this.#startedAt = startedAt;
  }

  async at(): Promise<Date> {
    this.#known ??= await this.#auditLogs.firstStart(this.#startedAt());
    return this.#known;
  }
}
