/** The part of a run that lets others tell how it goes and ended: under the job's id, and only while the run holds the job. */
export type HeldJob = {
  readonly jobId: string;
  /** How often the job was replayed as a dead letter: each of these ends, and each end is told. */
  readonly replays: number;
  /**
   * Resolves where Redis confirms at this moment that this run still holds its job, which it then does for another 10 s. Else rejects: another
   * run may have the job, and this one must tell nobody how it ended. Waits while Redis is away. To be awaited right before anything final.
   */
  confirmHeld(): Promise<void>;
  /** Says that the work moves. Work without a time limit that does not say so for 60 s is given up. */
  alive(): void;
};
