import type { PanelUser } from '../../clients/remnawave/types.ts';
import { hours } from '../../lib/duration.ts';
import type { CampaignSends } from '../../repositories/history/campaign-sends.ts';
import type { Campaign, Campaigns } from '../../repositories/history/campaigns.ts';
import { BRACKETS, type NoticeKind } from '../subscriptions/brackets.ts';
import type { CampaignReach } from './campaign-reach.ts';
import { campaignPeriodOf } from './due-steps.ts';

export type BuiltInShareOptions = {
  campaigns: Pick<Campaigns, 'isBuiltInOff' | 'running'>;
  sends: Pick<CampaignSends, 'ofTrigger'>;
  reach: CampaignReach;
  /** Whether our own schema, which holds campaigns, can be used. */
  arePossible(): Promise<boolean>;
};

/** Somebody to whom a built-in notice is due. */
type Due = { user: PanelUser; kind: NoticeKind; telegramId: number };

/**
 * What campaigns leave to the built-in notices: nobody is told one thing by both. Without our own schema there are no campaigns, and all of
 * it is theirs.
 */
export class BuiltInShare {
  readonly #options: BuiltInShareOptions;

  constructor(options: BuiltInShareOptions) {
    this.#options = options;
  }

  /**
   * Those of these that the built-in notices are to tell: not where staff switched them off, not to customers whom a campaign is for in their
   * place, and not what a campaign told, or chose not to tell, at the same distance or nearer.
   */
  async of<D extends Due>(due: readonly D[], now: Date): Promise<readonly D[]> {
    const asked = due.filter(({ kind }) => kind !== 'expired');
    if (asked.length === 0 || !(await this.#options.arePossible())) return due;
    const { campaigns, reach, sends } = this.#options;
    const [isOff, running] = await Promise.all([campaigns.isBuiltInOff(), campaigns.running()]);
    const replacing = running.filter(({ inPlaceOfBuiltIn }) => inPlaceOfBuiltIn);
    const [readers, ended, traffic] = [
      await reach.readers(replacing.length > 0 ? asked.map(({ telegramId }) => telegramId) : []),
      await sends.ofTrigger('before_end', asked.filter(isReminder).map(subjectAt('before_end'))),
      await sends.ofTrigger('traffic', asked.filter(({ kind }) => kind === 'traffic').map(subjectAt('traffic'))),
    ];
    const isReplaced = ({ kind, telegramId, user }: Due): boolean =>
      replacing.some(
        (campaign) => takesPlaceOf(campaign, kind) && reach.isFor(campaign.audience, user, readers(telegramId), now),
      );
    const wasTold = ({ kind, user }: Due): boolean => {
      const told = kind === 'traffic' ? traffic : ended;
      const { period, username } = subjectAt(kind === 'traffic' ? 'traffic' : 'before_end')({ user });
      return told.some(
        (one) =>
          one.username === username &&
          one.period === period &&
          (kind !== 'traffic' ? hours(one.step) <= msOf(kind) : one.step >= 100),
      );
    };
    return due.filter(
      (one) => one.kind === 'expired' || (!(isOff && isReminder(one)) && !isReplaced(one) && !wasTold(one)),
    );
  }
}

const isReminder = ({ kind }: Pick<Due, 'kind'>): boolean => kind !== 'expired' && kind !== 'traffic';

const msOf = (kind: NoticeKind): number => BRACKETS.find((bracket) => bracket.kind === kind)?.ms ?? 0;

const subjectAt =
  (trigger: 'before_end' | 'traffic') =>
  ({ user }: Pick<Due, 'user'>) => ({ username: user.username, period: campaignPeriodOf(trigger, user) });

/** A campaign of traffic takes the place of the notice of used-up traffic where it has a step for that. */
function takesPlaceOf({ steps, trigger }: Campaign, kind: NoticeKind): boolean {
  if (kind === 'traffic') return trigger === 'traffic' && steps.some(({ at }) => at === 100);
  return trigger === 'before_end';
}
