import type { PanelUsers } from '../../clients/remnawave/panel.ts';
import type { ActionResult, PanelUser, PanelUserId } from '../../clients/remnawave/types.ts';

export const BULK_OPERATIONS = ['disable', 'enable', 'reset_traffic', 'delete'] as const;
export type BulkOperation = (typeof BULK_OPERATIONS)[number];

export type BulkPanel = Pick<PanelUsers, 'user' | 'disable' | 'enable' | 'resetTraffic' | 'delete'>;

/** The panel's clock may be this far behind ours when its times are compared with our own. */
const CLOCK_SLACK_MS = 2_000;

/** One operation on one user. */
type BulkAction = {
  /** `onUser` gets the user as far as the act saw it. */
  act(panel: BulkPanel, id: PanelUserId, signal: AbortSignal, onUser: (user: PanelUser) => void): Promise<ActionResult>;
  /** Whether the user is read and kept before: nothing that is seen afterwards shows what stood. */
  looksFirst: boolean;
  /**
   * Whether a run that asked for the operation at `begunAt` and was cut off has done it, as far as the user shows. Undefined: no such user.
   */
  isDone(user: PanelUser | undefined, begunAt: Date): boolean;
  /** Whether the panel would find nothing to do for a user like this. */
  isAlready(user: PanelUser): boolean;
};

export const BULK_ACTIONS: Readonly<Record<BulkOperation, BulkAction>> = {
  disable: {
    act: (panel, id, signal, onUser) => panel.disable(id, signal, onUser),
    looksFirst: false,
    isDone: (user) => user?.status === 'DISABLED',
    isAlready: ({ status }) => status === 'DISABLED',
  },
  enable: {
    // The panel would make an EXPIRED or LIMITED user ACTIVE until its next look, so only a DISABLED user is enabled.
    looksFirst: false,
    async act(panel, id, signal, onUser) {
      const user = await panel.user(id, signal);
      if (!user) return 'not_found';
      onUser(user);
      return this.isAlready(user) ? 'already' : await panel.enable(id, signal);
    },
    isDone: (user) => user !== undefined && user.status !== 'DISABLED',
    isAlready: ({ status }) => status !== 'DISABLED',
  },
  reset_traffic: {
    act: (panel, id, signal) => panel.resetTraffic(id, signal),
    looksFirst: true,
    isDone: (user, begunAt) =>
      user?.lastTrafficResetAt !== undefined && user.lastTrafficResetAt.getTime() >= begunAt.getTime() - CLOCK_SLACK_MS,
    isAlready: () => false,
  },
  delete: {
    act: (panel, id, signal) => panel.delete(id, signal),
    looksFirst: true,
    isDone: (user) => user === undefined,
    isAlready: () => false,
  },
};
