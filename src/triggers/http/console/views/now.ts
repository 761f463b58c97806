import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { decidedOr404 } from '../../api/brakes.ts';
import { replayDeadLetter } from '../../api/dead-letters.ts';
import { dispatchFor } from '../../api/dispatch.ts';
import { cancelJob, jobOf } from '../../api/jobs.ts';
import { ProgressBody } from '../../api/schemas.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import { APPROVAL_DEEDS } from '../approval-words.ts';
import { heatMap } from '../components/drawings.ts';
import { emptyState, stateBadge, type Tone } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { decisionsOf, drawDecisions, type HeldDecision } from '../now/decisions.ts';
import { deliveryFigures } from '../now/deliveries.ts';
import { drawRunning, jobName, watchedJobs } from '../now/running.ts';
import { nowState } from '../now/state.ts';
import { isStale, verdictsOf } from '../now/verdicts.ts';
import { isNowWord, NOW_WORDS } from '../now/words.ts';

const NODE_TONES = { online: 'good', offline: 'bad', warning: 'warn', maintenance: 'calm' } as const satisfies Record<
  string,
  Tone
>;
const HOUR_MINUTES = 60;
const WEEK_HOURS = 168;
const DAY_HOURS = 24;

const Named = { schema: z.object({ name: z.string().min(1).max(100) }), fields: {} };
const WithId = { schema: z.object({ id: z.string().min(1).max(200) }), fields: {} };

/** Whether it is a planned broadcast, also where an emptied Redis has no job of it at this moment. */
async function isPlanned({ broadcasts, buttons, history, jobs }: HttpContext, id: string): Promise<boolean> {
  if ((await jobs.find(id))?.task === buttons.sends.name) return true;
  if (!z.guid().safeParse(id).success || (await history.missing())) return false;
  return (await broadcasts.planned.find(id)) !== undefined;
}

/** How it stands, what needs a decision, what is on, and what runs: what a person looks at first. */
export default defineView({
  path: '/',
  needs: 'view',
  nav: { group: 'now', order: 10, bar: true },
  texts: NOW_WORDS,

  deeds: ({ deed }) => {
    const decision = (word: HeldDecision) =>
      deed({
        needs: 'admin',
        label: word,
        form: Named,
        ...(word === 'drop' && { tone: 'bad' as const }),
        async ask({ brakes }, { form, page }) {
          const held = (await brakes.list()).find(({ name }) => name === form.name);
          return held && page.say('askDecision', held.held[page.locale], page.say(word));
        },
        async run(context, { form, page }) {
          const { act, held } = await decidedOr404(context, form.name, word);
          return { receipt: page.say('decided', page.say(word), held.held[page.locale]), act };
        },
      });
    const control = (word: 'pause' | 'resume') =>
      deed({
        needs: 'admin',
        label: word,
        form: WithId,
        ask: (_, { page }) => (word === 'pause' ? page.say('askPause') : undefined),
        async run(context, { audit, caller, form, page }) {
          if (await isPlanned(context, form.id)) {
            await context.broadcasts.say(form.id, word, callerOf(caller));
            const act = { action: `broadcast.${word}`, entityType: 'broadcast', entityId: form.id } as const;
            return { receipt: page.say('told'), act };
          }
          const payload = { broadcast_id: form.id, action: word };
          await dispatchFor(context, { name: context.buttons.pausesBy.name, payload, caller: callerOf(caller), audit });
          return { receipt: page.say('told'), act: 'recorded' };
        },
      });
    return {
      approve: deed(APPROVAL_DEEDS.approve),
      refuse: deed(APPROVAL_DEEDS.refuse),
      takeBack: deed(APPROVAL_DEEDS.takeBack),
      go: decision('go'),
      only_these: decision('only_these'),
      not_this_time: decision('not_this_time'),
      send: decision('send'),
      drop: decision('drop'),
      pause: control('pause'),
      resume: control('resume'),
      replay: deed({
        needs: 'admin',
        label: 'replay',
        form: WithId,
        async run(context, { form, page }) {
          const act = await replayDeadLetter(context, form.id);
          if (!act) throw new Problem('not-found', page.say('goneLetter'));
          return { act, receipt: page.say('replayed', form.id) };
        },
      }),
      cancel: deed({
        needs: 'admin',
        label: 'cancel',
        tone: 'bad',
        form: WithId,
        async ask(context, { form, page }) {
          const job = await jobOf(context, form.id);
          const progress = ProgressBody.safeParse(await context.progress.find(job.progressId)).data;
          const name = jobName({ job, progress }, page);
          if (!progress) return page.say('askCancelUnknown', name);
          const [done, total] = [progress.processed, progress.total].map((n) => numberText(n, page.locale));
          return page.say('askCancel', name, done!, total!);
        },
        async run(context, { caller, form, page }) {
          const done = await cancelJob(context, await jobOf(context, form.id), callerOf(caller));
          if (!done) throw new Problem('conflict', page.say('jobOver'));
          const { act, cancelled } = done;
          return { act, receipt: page.say(cancelled === 'removed' ? 'removed' : 'cancelled', form.id) };
        },
      }),
    };
  },

  parts: ({ part }) => [
    part({
      name: 'promises',
      heading: 'promises',
      everyMs: seconds(10),
      load: (context, { page }) => nowState(context, page.locale),
      draw(state, page) {
        const lines = verdictsOf(state, page).map(
          ({ href, promise, tone, why }) =>
            html`<li>${stateBadge(tone, page.say(`tone.${tone}`))} <span><strong>${promise}</strong> <span class="muted">${href === undefined ? why : html`<a href="${href}">${why}</a>`}</span></span></li>`,
        );
        return html`<ul class="verdicts">${join(lines, '')}</ul>`;
      },
    }),
    part({
      name: 'decisions',
      heading: 'decisions',
      width: 'half',
      everyMs: seconds(10),
      load: (context, { page }) => decisionsOf(context, page),
      draw: (decisions, page) => drawDecisions(decisions, page),
    }),
    part({
      name: 'incidents',
      heading: 'incidents',
      width: 'half',
      everyMs: seconds(10),
      load: ({ state }) => state.alerts(),
      draw(alerts, page) {
        const { say } = page;
        if (alerts.length === 0) return emptyState(say('quiet'));
        const lines = alerts.map(({ id, kind, severity, since, subject }) => {
          const word = `alert.${kind}`;
          const text = isNowWord(word) ? say(word, subject) : `${kind}: ${subject}`;
          return html`<li id="alert-${id}"><span class="grow">${stateBadge(severity === 'critical' ? 'bad' : 'warn', text)} <span class="muted">${timeAgo(since, page)}</span></span></li>`;
        });
        return html`<ul class="list">${join(lines, '')}</ul>`;
      },
    }),
    part({
      name: 'nodes',
      heading: 'nodes',
      width: 'half',
      everyMs: seconds(10),
      load: ({ state }) => state.nodes(),
      draw(nodes, page) {
        const { locale, now, say } = page;
        if (nodes.length === 0) return emptyState(say('noNodes'));
        const sorted = [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
        const toneOf = (node: (typeof nodes)[number]): Tone =>
          isStale(node.checkedAt, now) ? 'warn' : NODE_TONES[node.status];
        const online = nodes.filter(({ status }) => status === 'online').length;
        const total = say('nodesStrip', numberText(online, locale), numberText(nodes.length, locale));
        const cells = sorted.map((node) => ({
          tone: toneOf(node),
          label: `${node.name}: ${say(`node.${node.status}`)}`,
        }));
        const bad = sorted
          .filter((node) => toneOf(node) !== 'good')
          .map(
            (node) =>
              html`<li id="node-${node.nodeUuid}"><span class="grow"><strong>${node.name}</strong> <span class="muted">${node.country}</span> ${stateBadge(toneOf(node), say(`node.${node.status}`))} <span class="muted">${isStale(node.checkedAt, now) ? html`${say('lastSeen')} ${timeAgo(node.checkedAt, page)}` : timeAgo(node.since, page)}${node.reason && node.status !== 'online' ? ` · ${node.reason}` : ''}</span></span></li>`,
          );
        return html`<p>${total}</p>${heatMap(cells, total)}${bad.length > 0 ? html`<ul class="list">${join(bad, '')}</ul>` : ''}`;
      },
    }),
    part({
      name: 'deliveries',
      heading: 'deliveries',
      width: 'half',
      everyMs: seconds(30),
      async load({ state }) {
        const [minutes, hours] = await Promise.all([state.deliveries(HOUR_MINUTES), state.deliveryHours(WEEK_HOURS)]);
        return { minutes, hours };
      },
      draw: ({ hours, minutes }, page) =>
        deliveryFigures(
          [
            { word: 'hour', steps: minutes },
            { word: 'day', steps: hours.slice(-DAY_HOURS) },
            { word: 'week', steps: hours },
          ],
          page,
        ),
    }),
    part({
      name: 'running',
      heading: 'running',
      everyMs: seconds(3),
      load: (context) => watchedJobs(context),
      draw: (jobs, page) => drawRunning(jobs, page),
    }),
  ],
});
