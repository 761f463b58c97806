/** What stood before an act, as far as it was read: enough to undo the act, or to repair it by hand. */
export type Before = {
  readonly status?: string | undefined;
  /** ISO 8601. */
  readonly expire_at?: string | undefined;
  readonly used_traffic_bytes?: number | undefined;
  readonly traffic_limit_bytes?: number | undefined;
  readonly telegram_id?: number | undefined;
};

/** One act of a mass task on one subject. */
export type ReceiptLine = {
  /** Names the act: a line with the same id in the same receipt is the same act, however often it is noted. */
  readonly act: string;
  /** Whether `act` is the id of a row of `notification_queue`, by which it is seen whether the act was done. */
  readonly isMessage?: boolean;
  /** One of the effects that the task declares. */
  readonly effect: string;
  /** Names the subject, also after an upgrade of the panel. */
  readonly subject: string;
  /** The panel's id of the subject, where that is another. */
  readonly id?: string | undefined;
  readonly detail?: string | undefined;
  readonly was?: Before | undefined;
};

/** The receipt of one run, as the run sees it. No method throws, and none waits longer than a second. */
export type Receipt = {
  /** Notes acts before they are tried. Whether they were done is seen later: of a message by its row, else by `settled`. */
  begun(lines: readonly ReceiptLine[]): Promise<void>;
  /** Notes acts that are done. To be called before the run forgets that it began them, so that a killed run's acts are noted by the next. */
  done(lines: readonly ReceiptLine[]): Promise<void>;
  /** Notes that acts which were noted as begun are done. Those that were not noted stay unknown. */
  settled(acts: readonly string[]): Promise<void>;
};
