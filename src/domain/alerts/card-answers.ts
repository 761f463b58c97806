import { approvalRefusal } from '../../lib/approval-text.ts';
import type { CardAct, CardTap } from '../../lib/card-act.ts';
import { hours } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { tokenNameOf } from '../../lib/initiator.ts';
import type { Locale } from '../../lib/locale.ts';
import { decidedBefore, decidedNow, tapFailed, tapIsOver, tapIsTooOld } from '../../messages/alert-cards.ts';
import type { Log } from '../../observability/log.ts';
import type { AlertAnswer } from '../../repositories/redis/alerts/alert-answer-store.ts';
import type { AlertCard, AlertCards, AlertDecision, AlertFacts } from '../../repositories/redis/alerts/alert-cards.ts';
import type { ApprovalAnswer, ApprovalsContext } from '../../triggers/approvals.ts';
import type { DeskContext } from '../../triggers/payment-desk.ts';
import type { CardReply, StaffPerson } from '../../triggers/telegram-bot/context.ts';
import type { MassEffectBrake } from '../brakes/mass-effects.ts';
import type { NotificationBacklog } from '../brakes/notification-backlog.ts';
import type { AlertAnswers } from './alert-answers.ts';
import type { AlertStates } from './alert-states.ts';
import { APPROVAL_ALERT, approvalOfSubject } from './approval-alert.ts';
import { actsOf, BACKLOG_ALERT, groupOf, wordOf } from './card-keyboard.ts';
import type { StaffCards } from './staff-cards.ts';

export type CardAnswersOptions = {
  cards: AlertCards;
  drawing: Pick<StaffCards, 'draw'>;
  answers: Pick<AlertAnswers, 'acknowledge' | 'mute'>;
  states: Pick<AlertStates, 'active'>;
  brake: Pick<MassEffectBrake, 'confirm' | 'list'>;
  backlog: Pick<NotificationBacklog, 'decide' | 'held'>;
  desk: Pick<DeskContext, 'check'>;
  approvals: Pick<ApprovalsContext, 'approve' | 'refuse'>;
  /** Puts a dead letter back, once for each `actId`; false where there is none. */
  replay(jobId: string, actId: string): Promise<boolean>;
  clock(): Date;
  log: Log;
};

/** What became of one act. `elsewhere`: somebody did it before, at another door. */
type Acted =
  | { kind: 'done' }
  | { kind: 'elsewhere'; by: string; at: Date; act?: CardAct }
  | { kind: 'over' }
  | { kind: 'refused'; say: string };

type Result = { facts: AlertFacts } & (
  | { kind: 'done' | 'over' | 'failed' }
  | { kind: 'already'; decision: AlertDecision }
  | { kind: 'refused'; say: string }
);

/** Two tellings of one hold within this are the same telling. */
const SAME_TELLING_MS = 1_000;

/**
 * Answers taps on the buttons of alerts. The answer is claimed first, so that of two taps one does it and the other is told who did; a claim
 * whose process died is free again after a minute, and everything that is done here is done once by its own means too. Nothing of the tap is
 * trusted: what it is about stands in the card.
 */
export class CardAnswers {
  readonly #options: CardAnswersOptions;

  constructor(options: CardAnswersOptions) {
    this.#options = options;
  }

  /** Throws while Redis is away. */
  async answer(tap: CardTap, chatId: number, person: StaffPerson, locale: Locale): Promise<CardReply> {
    const card = await this.#options.cards.find(tap.card);
    const meant = card?.chatId === chatId ? meantBy(tap, card) : [];
    if (meant.length === 0) return { outcome: 'gone', say: tapIsTooOld(locale), about: [], edits: [] };
    const results: Result[] = [];
    for (const facts of meant) results.push(await this.#one(tap.act, facts, person, locale));
    // An act that was done leads: of a message about several alerts some may have been answered before.
    const result = ORDER.flatMap((kind) => results.find((one) => one.kind === kind) ?? [])[0]!;
    return {
      outcome: result.kind,
      say: sentenceOf(result, tap.act, person, locale),
      about: results
        .filter(({ kind }) => kind === result.kind)
        .map(({ facts }) => aboutOf(tap.act, facts, result.kind)),
      edits: await this.#drawn(tap.card, meant),
    };
  }

  async #one(act: CardAct, facts: AlertFacts, person: StaffPerson, locale: Locale): Promise<Result> {
    const { cards, clock, log } = this.#options;
    const group = groupOf(act);
    const mine = { act, by: person.name, at: clock() };
    const held = await cards.claim(facts, group, mine, { again: act === 'check' });
    if (held) return { kind: 'already', facts, decision: held };
    let acted: Acted;
    try {
      acted = await this.#act(act, facts, person.by, locale);
    } catch (err) {
      log.warn({ err, act, alert: facts.alert, by: person.by }, 'an answer to an alert failed');
      await cards.release(facts, group);
      return { kind: 'failed', facts };
    }
    if (acted.kind === 'done') {
      await cards.settle(facts, group, mine);
      return { kind: 'done', facts };
    }
    if (acted.kind === 'elsewhere') {
      const decision = { act: acted.act ?? act, by: nameOf(acted.by), at: acted.at };
      await cards.settle(facts, group, decision);
      return { kind: 'already', facts, decision: { ...decision, done: true } };
    }
    await cards.release(facts, group);
    return acted.kind === 'over' ? { kind: 'over', facts } : { kind: 'refused', facts, say: acted.say };
  }

  async #act(act: CardAct, facts: AlertFacts, by: string, locale: Locale): Promise<Acted> {
    const { desk, replay } = this.#options;
    switch (act) {
      case 'ack':
        return await this.#answered(facts, (answers, now) => answers.acknowledge(facts.alert, by, now));
      case 'mute1':
        return await this.#answered(facts, (answers, now) =>
          answers.mute(facts.alert, now.getTime() + hours(1), by, now),
        );
      case 'mute8':
        return await this.#answered(facts, (answers, now) =>
          answers.mute(facts.alert, now.getTime() + hours(8), by, now),
        );
      case 'go':
      case 'no':
        if (facts.kind === APPROVAL_ALERT) return await this.#approval(act, facts, by, locale);
        return facts.kind === BACKLOG_ALERT ? await this.#backlog(act) : await this.#brake(act, facts);
      case 'replay':
        return (await replay(facts.job!, `card:${facts.at.getTime()}`)) ? { kind: 'done' } : { kind: 'over' };
      case 'check': {
        const answer = await desk.check(facts.subject, by);
        return answer.outcome === 'done' ? { kind: 'done' } : { kind: 'refused', say: answer.sentence };
      }
    }
  }

  /**
   * An alert that happened once, and that nothing else keeps, is acknowledged by its card alone. One that has ended since, or began anew, is
   * another one.
   */
  async #answered(
    { alert, at, lasts }: AlertFacts,
    answer: (answers: CardAnswersOptions['answers'], now: Date) => Promise<AlertAnswer>,
  ): Promise<Acted> {
    const { answers, clock, states } = this.#options;
    const now = clock();
    if (!lasts) {
      const kept = await answer(answers, now);
      return kept.kind === 'already' ? { ...kept, kind: 'elsewhere' } : { kind: 'done' };
    }
    const on = (await states.active(now)).find(({ id }) => id === alert);
    if (on && on.since.getTime() !== at.getTime()) return { kind: 'over' };
    const given = await answer(answers, now);
    if (given.kind === 'done') return { kind: 'done' };
    return given.kind === 'already' ? { ...given, kind: 'elsewhere' } : { kind: 'over' };
  }

  /** A hold that was told again since has other counts, which this message does not show. */
  async #brake(act: 'go' | 'no', { at, subject }: AlertFacts): Promise<Acted> {
    const { brake, clock } = this.#options;
    const held = (await brake.list()).find(({ name }) => name === subject);
    if (!held || held.toldAt.getTime() > at.getTime() + SAME_TELLING_MS) return { kind: 'over' };
    const done = await brake.confirm(subject, clock(), act === 'go' ? 'go' : 'not_this_time');
    return done ? { kind: 'done' } : { kind: 'over' };
  }

  /** A yes is for what the message shows, and never from the person who asked. */
  async #approval(act: 'go' | 'no', { subject }: AlertFacts, by: string, locale: Locale): Promise<Acted> {
    const { approvals } = this.#options;
    const { digest, id } = approvalOfSubject(subject);
    let answer: ApprovalAnswer;
    try {
      answer = await (act === 'go' ? approvals.approve(id, by, digest) : approvals.refuse(id, by));
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      return { kind: 'refused', say: `${approvalRefusal('impossible', locale)} ${error.message}` };
    }
    if (answer.outcome === 'unknown') return { kind: 'over' };
    if ((answer.outcome === 'approved' || answer.outcome === 'refused') && answer.isFirst) return { kind: 'done' };
    const { decidedAt, decidedBy, state } = answer.approval;
    if (answer.outcome === 'changed' || answer.outcome === 'refused_self' || answer.outcome === 'unknown_person')
      return { kind: 'refused', say: approvalRefusal(answer.outcome, locale) };
    if (decidedAt === undefined || decidedBy === undefined) return { kind: 'over' };
    return { kind: 'elsewhere', by: decidedBy, at: decidedAt, act: state === 'refused' ? 'no' : 'go' };
  }

  async #backlog(act: 'go' | 'no'): Promise<Acted> {
    const { backlog, clock } = this.#options;
    if (!(await backlog.held(clock()))) return { kind: 'over' };
    await backlog.decide(act === 'go' ? 'send' : 'drop', clock());
    return { kind: 'done' };
  }

  /** All messages that tell one of these alerts, the tapped one first. */
  async #drawn(tapped: string, alerts: readonly AlertFacts[]): Promise<CardReply['edits']> {
    const { cards, drawing } = this.#options;
    const edits: CardReply['edits'][number][] = [];
    for (const [id, messageId] of await cards.copies(alerts)) {
      const card = await cards.find(id);
      if (!card) continue;
      const edit = { chatId: card.chatId, messageId, ...(await drawing.draw(id, card)) };
      if (id === tapped) edits.unshift(edit);
      else edits.push(edit);
    }
    return edits;
  }
}

const ORDER = ['done', 'failed', 'already', 'refused', 'over'] as const satisfies readonly Result['kind'][];

/** The alerts of a card that a tap is about; none where no button of the card does that. */
function meantBy({ act, index }: CardTap, { alerts }: AlertCard): AlertFacts[] {
  const some = index === undefined ? alerts : alerts.slice(index, index + 1);
  return some.filter((facts) => actsOf(facts).includes(act));
}

function sentenceOf(result: Result, act: CardAct, { name }: StaffPerson, locale: Locale): string {
  switch (result.kind) {
    case 'done':
      return decidedNow(wordOf(act, result.facts), name, locale);
    case 'already': {
      const { act: theirs, done: isDone, ...decision } = result.decision;
      return decidedBefore(wordOf(theirs, result.facts), { ...decision, isDone }, locale);
    }
    case 'over':
      return tapIsOver(locale);
    case 'refused':
      return result.say;
    case 'failed':
      return tapFailed(locale);
  }
}

/** What an act is done to, for the audit trail. */
function aboutOf(
  act: CardAct,
  { alert, job, kind, subject }: AlertFacts,
  outcome: Result['kind'],
): CardReply['about'][number] {
  if (kind === APPROVAL_ALERT) {
    // What the trail calls approved or refused is so.
    const what = outcome !== 'done' ? 'tapped' : act === 'go' ? 'approved' : 'refused';
    return { action: `approval.${what}`, entityType: 'approval', entityId: approvalOfSubject(subject).id };
  }
  switch (act) {
    case 'go':
    case 'no':
      return { action: 'brake.confirmed', entityType: 'brake', entityId: kind === BACKLOG_ALERT ? kind : subject };
    case 'replay':
      return { action: 'dead_letter.replayed', entityType: 'dead_letter', entityId: job! };
    case 'check':
      return { action: 'payment.check_asked', entityType: 'payment', entityId: subject };
    case 'ack':
      return { action: 'alert.acknowledged', entityType: 'alert', entityId: alert };
    default:
      return { action: 'alert.muted', entityType: 'alert', entityId: alert };
  }
}

/** A person at the console by the name of the token; one of the staff's bot by the id. */
const nameOf = (by: string): string => tokenNameOf(by) ?? by;
