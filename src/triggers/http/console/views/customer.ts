import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import type { Locale } from '../../../../lib/locale.ts';
import { customerTimeline, type TimelineEntry } from '../../api/customer-timeline.ts';
import { retryMessage } from '../../api/messages.ts';
import { clearUnreachable, SafeChat } from '../../api/users.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { ExplainedUser, HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import { personOf } from '../components/people.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { type Asked, defineView } from '../define-view.ts';
import { messageBadge } from '../message-words.ts';
import { paymentBadge, priceText } from '../payment-words.ts';
import { OUTCOME_TEXTS, OUTCOME_TONES } from '../run-words.ts';

/** One customer: why what was or was not done, and everything that was done to or for them. */
export default defineView({
  path: '/customers/:who',
  needs: 'support',
  texts: {
    title: { en: 'Customer', ru: 'Клиент' },
    about: { en: 'Why', ru: 'Почему так' },
    timeline: { en: 'What happened', ru: 'Что происходило' },
    nobody: { en: 'Nobody in the panel has the id or the name %.', ru: 'Ни у кого в панели нет id или имени %.' },
    nothing: { en: 'Nothing is on record.', ru: 'Записей нет.' },
    silent: { en: '% cannot be read and are missing here: %', ru: '% не читаются, их здесь нет: %' },
    message: { en: 'messages', ru: 'сообщения' },
    payment: { en: 'payments', ru: 'платежи' },
    job: { en: 'jobs', ru: 'задания' },
    act: { en: 'acts', ru: 'действия' },
    retry: { en: 'Send again', ru: 'Отправить снова' },
    retried: { en: 'It is due now and is sent again.', ru: 'Оно снова в очереди на отправку.' },
    notFailed: {
      en: 'It is not among the failed any more; nothing was changed.',
      ru: 'Оно уже не среди недоставленных; ничего не изменено.',
    },
    check: { en: 'Check payment', ru: 'Проверить платёж' },
    clear: { en: 'Clear "unreachable"', ru: 'Снять «недоступен»' },
    cleared: { en: 'Messages are tried again from now on.', ru: 'Сообщения снова будут отправляться.' },
  },
  params: z.object({ who: z.string().trim().min(1).max(100) }),
  heading: ({ who }) => who,

  deeds: ({ deed }) => ({
    retry: deed({
      needs: 'support',
      label: 'retry',
      form: { schema: z.object({ id: z.guid() }), fields: {} },
      async run(context, { form: { id }, page }) {
        const { act, messages } = await retryMessage(context, id);
        return { receipt: page.say(messages > 0 ? 'retried' : 'notFailed'), act };
      },
    }),
    check: deed({
      needs: 'support',
      label: 'check',
      form: { schema: z.object({ id: z.guid() }), fields: {} },
      async run({ desk }, { caller, form: { id } }) {
        const answer = await desk.check(id, callerOf(caller));
        if (answer.outcome === 'refused') throw new Problem('conflict', answer.sentence);
        return { receipt: answer.sentence, act: 'recorded' };
      },
    }),
    clear: deed({
      needs: 'support',
      label: 'clear',
      form: { schema: z.object({ chat: SafeChat }), fields: {} },
      async run(context, { form: { chat }, page }) {
        return { receipt: page.say('cleared'), act: await clearUnreachable(context, chat) };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'about',
      heading: 'about',
      everyMs: seconds(30),
      load: (context, asked) => explained(context, asked),
      draw(users, { form, say }, { params: { who } }) {
        if (users.length === 0) return emptyState(say('nobody', who));
        const all = users.map(({ isUnreachable, sentences, telegramId, username }) => {
          const lines = join(
            sentences.map((sentence) => html`<li>${sentence}</li>`),
            '',
          );
          const clear =
            isUnreachable && telegramId !== undefined
              ? form('clear', { key: username, hidden: { chat: String(telegramId) }, about: username })
              : '';
          return html`<article id="user-${username}"><h3>${username}</h3><ol class="sentences">${lines}</ol>${clear}</article>`;
        });
        return join(all, '');
      },
    }),
    part({
      name: 'timeline',
      heading: 'timeline',
      everyMs: seconds(30),
      async load(context, asked) {
        const users = await explained(context, asked);
        return await Promise.all(users.map((user) => customerTimeline(context, user, asked.page.locale)));
      },
      draw(timelines, page) {
        const { form, say } = page;
        const silent = timelines
          .flatMap((timeline) => timeline.silent)
          .map(({ reason, source }) => html`<p class="unknown">${say('silent', say(source), reason)}</p>`);
        const entries = timelines.flatMap((timeline) => timeline.entries);
        const lines = entries.map((entry) => {
          const again =
            entry.kind === 'message' && entry.message.status === 'failed'
              ? form('retry', { key: entry.message.id, hidden: { id: entry.message.id } })
              : '';
          const check =
            entry.kind === 'payment' && entry.payment.status === 'pending'
              ? form('check', { key: entry.payment.id, hidden: { id: entry.payment.id } })
              : '';
          return html`<li class="row"><span class="grow">${timeAt(entry.at, page)} ${whatOf(entry, page.locale)}</span>${again}${check}</li>`;
        });
        const list =
          lines.length > 0 ? html`<ol class="list timeline">${join(lines, '')}</ol>` : emptyState(say('nothing'));
        return html`${join(silent, '')}${list}`;
      },
    }),
  ],
});

/** Both parts need it, and it asks the panel, Redis and PostgreSQL. */
const explained = (
  context: HttpContext,
  { once, page: { clock, locale }, params: { who } }: Pick<Asked<{ who: string }, unknown>, 'once' | 'page' | 'params'>,
): Promise<readonly ExplainedUser[]> =>
  once('explained', () => context.explainUser(who, { locale, time: (at) => clock.minute(at) }));

/** Draws an entry in one line. */
function whatOf(entry: TimelineEntry, locale: Locale): Html {
  switch (entry.kind) {
    case 'message': {
      const { beginning, error, status, type } = entry.message;
      const why = error ? html` <span class="muted">${error}</span>` : '';
      return html`${messageBadge(status, locale)} <code>${type ?? ''}</code>${why}<span class="muted about">${beginning}</span>`;
    }
    case 'payment': {
      const { id, price, why } = entry.payment;
      return html`${paymentBadge(entry.payment, locale)} <a href="/payments/${id}">${priceText(price, locale)}</a><span class="muted about">${why}</span>`;
    }
    case 'job': {
      const { error, jobId, outcome, task } = entry.run;
      return html`${stateBadge(OUTCOME_TONES[outcome], OUTCOME_TEXTS[outcome][locale])} <a href="/jobs/${encodeURIComponent(jobId)}"><code>${task}</code></a>${error ? html`<span class="muted about">${error.text}</span>` : ''}`;
    }
    case 'act': {
      const { action, by, newValue } = entry.act;
      return html`<code>${action}</code>${by ? html` ${personOf(by)}` : ''}${newValue === undefined ? '' : html`<span class="muted about wrap">${JSON.stringify(newValue)}</span>`}`;
    }
  }
}
