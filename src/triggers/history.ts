import type { JobAct } from '../lib/job-act.ts';
import type { Incidents } from '../repositories/history/incidents.ts';
import type {
  MaintenanceRows,
  MaintenanceWindow,
  PlannedMaintenance,
} from '../repositories/history/maintenance-rows.ts';
import type { RunFilter, Runs } from '../repositories/history/runs.ts';

/** One thing to do to the jobs of all runs that a filter finds. */
export type FoundJobsAct = {
  act: JobAct;
  filter: RunFilter;
  /** How many jobs the caller was told that the filter finds. */
  expected: number;
  caller: string;
};

/** `moved`: the filter finds another number by now, and nothing was done. `too_many`: more than one act may have. */
export type FoundJobsAnswer =
  | { outcome: 'begun'; jobId: string; jobs: number }
  | { outcome: 'moved'; jobs: number }
  | { outcome: 'too_many'; most: number };

/** The history in our own schema, where that is installed. */
export type HistoryContext = {
  /**
   * Why there is no history, and what to do, in one sentence; undefined where there is. It is asked before anything else: without history
   * the rest throws.
   */
  missing(): Promise<Readonly<Record<'en' | 'ru', string>> | undefined>;
  /** Every attempt that ended: search, attempts of a job, groups of equal errors, sums by hour, usual durations. */
  runs: Pick<Runs, 'durations' | 'groups' | 'hours' | 'ofJob' | 'search'>;
  /** Outages of nodes and services, alerts, and how long nodes served on each day. */
  incidents: Pick<Incidents, 'alerts' | 'incidents' | 'nodeDays'>;
  /** Times in which nobody is alerted about a node. */
  maintenance: {
    list: MaintenanceRows['list'];
    /** False where a window covers that time already. Throws `PermanentError` for a time that cannot be. */
    plan(planned: PlannedMaintenance): Promise<{ window: MaintenanceWindow; isNew: boolean }>;
    /** Undefined where there is no such window; `isEnded` is false where it was over. */
    end(id: string, by: string): Promise<{ window: MaintenanceWindow; isEnded: boolean } | undefined>;
  };
  /** How many jobs a filter finds; one more than the most of one act where it finds more. */
  countJobs(filter: RunFilter): Promise<number>;
  /** Has a job in the background do one thing to all jobs that a filter finds, each once. */
  act(asked: FoundJobsAct): Promise<FoundJobsAnswer>;
};
