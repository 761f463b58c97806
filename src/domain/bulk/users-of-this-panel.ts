import { foreignId } from '../../clients/remnawave/errors.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { BulkPanel } from './actions.ts';

/**
 * The panel as bulk operations see it: an id of another generation is refused, also where a user is only read. "Nobody has this id" says
 * nothing of the user whom it named, and must not count as deleted, or as not found.
 */
export function usersOfThisPanel(panel: BulkPanel & Pick<Panel, 'canHave'>): BulkPanel {
  return {
    disable: panel.disable,
    enable: panel.enable,
    resetTraffic: panel.resetTraffic,
    delete: panel.delete,
    async user(id, signal) {
      const found = await panel.user(id, signal);
      if (found === undefined && !(await panel.canHave(id, signal))) throw foreignId(id);
      return found;
    },
  };
}
