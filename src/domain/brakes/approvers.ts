import { type ApiRole, reaches } from '../../lib/api-role.ts';
import { APPROVER_ROLE } from '../../triggers/approvals.ts';

export type ApproversOptions = {
  /** The tokens. A name may stand several times. */
  tokens: readonly { name: string; role: ApiRole }[];
  /** The accounts of the staff's bot, with the name of the person where it is said. Groups have negative ids. */
  accounts: readonly { telegramId: number; role: ApiRole; person: string | undefined }[];
};

/**
 * Knows who may say the second yes, and whether two initiators are one person. A person is a name: that of a token, with all its
 * sessions and terminals, and the one that `ADMIN_TELEGRAM_IDS` gives to an account of the staff's bot.
 */
export class Approvers {
  readonly #options: ApproversOptions;
  readonly #accounts: ReadonlyMap<string, string | undefined>;
  readonly #names: ReadonlySet<string>;

  constructor(options: ApproversOptions) {
    this.#options = options;
    const { accounts, tokens } = options;
    this.#accounts = new Map(accounts.map(({ person, telegramId }) => [`telegram:${telegramId}`, person]));
    const named = [...tokens, ...accounts.map(({ person, role }) => ({ name: person, role }))];
    this.#names = new Set(
      named.flatMap(({ name, role }) => (name !== undefined && reaches(role, APPROVER_ROLE) ? [nameOf(name)] : [])),
    );
  }

  /** Whether somebody else than this initiator may say yes. An account of nobody known is somebody else than all. */
  hasOther(by: string): boolean {
    const person = this.#personOf(by);
    return [...this.#names].some((name) => name !== person);
  }

  /** `unknown`: one of them is an account of the bot that is nobody's by name, so it may be the other one's. */
  areOne(one: string, other: string): boolean | 'unknown' {
    if (one === other) return true;
    const [first, second] = [this.#personOf(one), this.#personOf(other)];
    return first === undefined || second === undefined ? 'unknown' : first === second;
  }

  /** The accounts to tell of what this initiator asks for: those that may say yes and are not known to be the same person. */
  accountsBeside(by: string): number[] {
    return this.#options.accounts
      .filter(({ role, telegramId }) => telegramId > 0 && reaches(role, APPROVER_ROLE))
      .filter(({ telegramId }) => this.areOne(`telegram:${telegramId}`, by) !== true)
      .map(({ telegramId }) => telegramId);
  }

  /** The person behind an initiator, at any door; undefined for an account of the bot without a name. */
  #personOf(initiator: string): string | undefined {
    if (!initiator.startsWith('telegram:')) return nameOf(initiator.replace(/^(?:token|cli):/, ''));
    const name = this.#accounts.get(initiator);
    return name === undefined ? undefined : nameOf(name);
  }
}

const nameOf = (name: string): string => name.toLowerCase();
