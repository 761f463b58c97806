import type { Panel } from '../../clients/remnawave/panel.ts';
import { panelReplaced } from '../../messages/monitoring.ts';
import type { PanelVersions } from '../../repositories/redis/monitoring/panel-versions.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';

export type PanelVersionWatchOptions = {
  panel: Pick<Panel, 'version'>;
  versions: Pick<PanelVersions, 'told' | 'noteTold'>;
  alerts: Pick<AdminAlerts, 'raise'>;
};

/** Tells the admins when the panel was up- or downgraded. The first version that is ever seen is noted and not told. */
export class PanelVersionWatch {
  readonly #options: PanelVersionWatchOptions;

  constructor(options: PanelVersionWatchOptions) {
    this.#options = options;
  }

  /** Asks the panel. Rejects where it does not answer; while Redis is away, the next look tells. */
  async check(now: Date, signal: AbortSignal): Promise<void> {
    const { alerts, panel, versions } = this.#options;
    const { usersHaveUuids, version } = await panel.version(signal);
    const known = await versions.told();
    if (known === version) return;
    if (known !== undefined) {
      const isOther = usersHaveUuids !== known.startsWith('2.');
      const isTold = await alerts.raise({
        kind: 'panel_version',
        subject: `${known} ${version}`,
        severity: isOther ? 'warning' : 'info',
        at: now,
        message: (locale) => panelReplaced({ from: known, to: version, isOther }, locale),
      });
      // Nobody has heard of it: the next look tells.
      if (!isTold) return;
    }
    await versions.noteTold(version);
  }
}
