/** An action of a person at any door, for `audit_logs`. */
export type Act = {
  /** Dotted: `task.dispatched`, `job.cancelled`. */
  action: string;
  entityType:
    | 'approval'
    | 'task'
    | 'schedule'
    | 'node'
    | 'job'
    | 'dead_letter'
    | 'brake'
    | 'broadcast'
    | 'campaign'
    | 'export'
    | 'session'
    | 'message'
    | 'segment'
    | 'alert'
    | 'receipt'
    | 'customer'
    | 'text';
  entityId: string;
  details?: Readonly<Record<string, unknown>>;
};
