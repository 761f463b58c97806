import type { Database } from '../../repositories/database.ts';
import { Incidents } from '../../repositories/history/incidents.ts';
import { KeptPauses } from '../../repositories/history/kept-pauses.ts';
import { MaintenanceRows } from '../../repositories/history/maintenance-rows.ts';
import { ownSchemaState } from '../../repositories/history/own-schema.ts';
import { RunRows } from '../../repositories/history/run-rows.ts';
import { Runs } from '../../repositories/history/runs.ts';
import { MaintenanceCopy } from '../../repositories/redis/monitoring/maintenance-copy.ts';
import { PauseMarks } from '../../repositories/redis/monitoring/pause-marks.ts';
import type { Foundation } from '../foundation.ts';
import { MaintenanceWindows } from '../monitoring/maintenance-windows.ts';
import { PausedSchedules } from '../monitoring/paused-schedules.ts';
import { IncidentNotes } from './incident-notes.ts';
import { RunRecorder } from './run-recorder.ts';

export type HistoryOptions = {
  /** A pool of its own: a history that is slow holds no connection that a task waits for. */
  historyDatabase: Database;
  /** Days that runs are kept. */
  keptDays: number;
  /** Hides the secrets of the configuration. */
  mask(text: string): string;
};

/** Builds what keeps and finds runs, where our own schema is installed. No task needs any of it. */
export function composeHistory({ clock, log, metrics, redis, unreadable }: Foundation, options: HistoryOptions) {
  const { historyDatabase, keptDays, mask } = options;
  const historyState = () => ownSchemaState(historyDatabase);
  const onDropped = (notes: number): void => metrics.outputDropped('history', notes);
  const incidents = new Incidents(historyDatabase);
  return {
    historyState,
    incidents,
    incidentNotes: new IncidentNotes({ incidents, log, onDropped, look: historyState, clock: () => clock.now() }),
    maintenanceWindows: new MaintenanceWindows({
      ...{ log, look: historyState },
      copy: new MaintenanceCopy(redis, unreadable.onStored),
      rows: new MaintenanceRows(historyDatabase),
    }),
    pausedSchedules: new PausedSchedules({
      marks: new PauseMarks(redis, unreadable.onRead),
      rows: new KeptPauses(historyDatabase),
      look: historyState,
      clock: () => clock.now(),
      log,
    }),
    runRecorder: new RunRecorder({
      ...{ keptDays, log, mask },
      rows: new RunRows(historyDatabase),
      look: historyState,
      clock: () => clock.now(),
      onDropped,
    }),
    runs: new Runs(historyDatabase),
  };
}
