/** The acts on many jobs at once. */
export const JOB_ACTS = ['replay', 'discard', 'cancel'] as const;
export type JobAct = (typeof JOB_ACTS)[number];

/** The most jobs of one act. Redis holds their ids for as long as the job of the act is kept. */
export const MOST_JOBS_AT_ONCE = 10_000;
