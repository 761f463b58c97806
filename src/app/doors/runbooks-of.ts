import { RUNBOOK_GROUPS, runbookNameOf, runbookOf } from '../../messages/runbooks/find-runbook.ts';
import type { RunbooksContext } from '../../triggers/runbooks.ts';

/** Runbooks as doors see them. */
export const shownRunbooks: RunbooksContext = {
  find(alert) {
    const found = runbookOf(alert);
    if (!found) return undefined;
    const { also = [], rules = {}, ...texts } = found.runbook;
    return { ...texts, names: [...new Set([found.page, ...also, ...Object.keys(rules)])] };
  },
  nameOf(alert) {
    const name = runbookNameOf(alert);
    return runbookOf(name) ? name : undefined;
  },
  groups: RUNBOOK_GROUPS.map(({ pages, title }) => ({ title, pages: Object.keys(pages) })),
};
