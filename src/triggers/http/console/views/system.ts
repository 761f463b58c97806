import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { latencyText, numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import type { Examined, Level } from '../../../examination.ts';
import { settingsList } from '../../api/system.ts';
import { dataTable } from '../components/data-table.ts';
import { emptyState, stateBadge, type Tone, unknownState } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { breakerTable, limitTiles, processTable } from '../system-tables.ts';

const LEVELS = { ok: 'good', warning: 'warn', failed: 'bad' } as const satisfies Record<Level, Tone>;
const SERVICES = { up: 'good', failing: 'warn', down: 'bad' } as const satisfies Record<string, Tone>;

/** The installation itself: what the doctor finds, services, queues, settings, and where more is to be seen. */
export default defineView({
  path: '/system',
  needs: 'view',
  nav: { group: 'system', order: 90 },
  texts: {
    title: { en: 'System', ru: 'Система' },
    doctor: { en: 'Examination', ru: 'Проверка' },
    underWay: { en: 'An examination is under way.', ru: 'Идёт проверка.' },
    examineAgain: { en: 'Examine again', ru: 'Проверить снова' },
    allWell: { en: 'All % are well.', ru: 'Всё в порядке: %.' },
    toLookAt: { en: 'failed: %, to look at: %, well: %', ru: 'не в порядке: %, обратить внимание: %, в порядке: %' },
    well: { en: 'What is well', ru: 'Что в порядке' },
    'level.ok': { en: 'well', ru: 'в порядке' },
    'level.warning': { en: 'look', ru: 'внимание' },
    'level.failed': { en: 'failed', ru: 'ошибка' },
    services: { en: 'Services', ru: 'Сервисы' },
    service: { en: 'Service', ru: 'Сервис' },
    state: { en: 'State', ru: 'Состояние' },
    latency: { en: 'Answer', ru: 'Ответ' },
    since: { en: 'Since', ru: 'С' },
    checked: { en: 'Looked at', ru: 'Проверено' },
    'service.up': { en: 'up', ru: 'работает' },
    'service.failing': { en: 'failing', ru: 'сбои' },
    'service.down': { en: 'down', ru: 'недоступен' },
    noServices: { en: 'No service has been looked at yet.', ru: 'Сервисы ещё не проверялись.' },
    breakers: { en: 'Circuit breakers', ru: 'Предохранители' },
    'breaker.closed': { en: 'lets calls through', ru: 'пропускает' },
    'breaker.half_open': { en: 'tries one call', ru: 'пробует один вызов' },
    'breaker.open': { en: 'holds calls back', ru: 'не пропускает' },
    inProcesses: { en: '% of % processes', ru: 'процессов: % из %' },
    noBreakers: { en: 'No process has said anything yet.', ru: 'Ни один процесс ещё не сообщал о себе.' },
    limits: { en: 'Limits', ru: 'Пределы' },
    telegramLimit: { en: 'Telegram, messages in the last second', ru: 'Telegram, сообщений за последнюю секунду' },
    telegramPaused: { en: 'Telegram asked to wait for %.', ru: 'Telegram попросил подождать: %.' },
    panelLimit: { en: 'Panel, requests at once', ru: 'Панель, запросов сразу' },
    panelWaits: { en: 'processes that wait for a place: %', ru: 'процессов ждёт места: %' },
    processes: { en: 'Processes', ru: 'Процессы' },
    process: { en: 'Process', ru: 'Процесс' },
    role: { en: 'Role', ru: 'Роль' },
    version: { en: 'Version', ru: 'Версия' },
    started: { en: 'Started', ru: 'Запущен' },
    heard: { en: 'Last heard', ru: 'Последняя весть' },
    mixed: { en: 'Different versions run at once.', ru: 'Одновременно работают разные версии.' },
    queues: { en: 'Queues', ru: 'Очереди' },
    queue: { en: 'Queue', ru: 'Очередь' },
    waiting: { en: 'waiting', ru: 'ждут' },
    active: { en: 'active', ru: 'в работе' },
    delayed: { en: 'later', ru: 'позже' },
    dead: { en: 'failed', ru: 'неудачи' },
    intake: {
      en: 'Messages of Python producers: % unread, % in progress.',
      ru: 'Сообщений Python: % не прочитано, % в работе.',
    },
    rows: {
      en: 'Rows of notification_queue: % pending, % due.',
      ru: 'Строк notification_queue: % ждёт, % пора отправить.',
    },
    more: { en: 'More', ru: 'Ещё' },
    board: { en: 'Every job of every queue (read only)', ru: 'Все задания всех очередей (только просмотр)' },
    metrics: { en: 'Metrics for Prometheus', ru: 'Метрики для Prometheus' },
    apiDocs: { en: 'API', ru: 'API' },
    settings: { en: 'Settings', ru: 'Настройки' },
    settingsShown: { en: '% settings, without their secrets', ru: 'Настроек: %, без секретов' },
    name: { en: 'Name', ru: 'Имя' },
    value: { en: 'Value', ru: 'Значение' },
  },

  parts: ({ part }) => [
    part({
      name: 'doctor',
      heading: 'doctor',
      needs: 'admin',
      load: async ({ doctor }) => ({ patient: doctor.patient, ...(await doctor.latest()) }),
      everyMs: ({ isUnderWay }) => (isUnderWay ? seconds(1) : undefined),
      draw({ isUnderWay, last, patient }, page) {
        const { link, locale, say } = page;
        const underWay = isUnderWay ? html` <span class="muted">${say('underWay')}</span>` : '';
        if (!last) return html`<p>${patient} ·${underWay}</p>`;
        const { at, found } = last;
        const line = ({ advice, finding, group, latencyMs, level, name }: Examined): Html =>
          html`<li><span class="grow">${stateBadge(LEVELS[level], say(`level.${level}`))} <strong>${said(group, locale)}: ${said(name, locale)}</strong> ${said(finding, locale)}${latencyMs === undefined ? '' : ` (${latencyText(latencyMs, locale)})`}${advice === undefined ? '' : html`<span class="muted about">→ ${said(advice, locale)}</span>`}</span></li>`;
        const of = (level: Level): readonly Examined[] => found.filter((one) => one.level === level);
        const [failed, warnings, well] = [of('failed'), of('warning'), of('ok')];
        const count = (list: readonly Examined[]): string => numberText(list.length, locale);
        const bad = [...failed, ...warnings];
        const sum =
          bad.length === 0 ? say('allWell', count(well)) : say('toLookAt', count(failed), count(warnings), count(well));
        return html`<p>${patient} · ${sum} <a href="${link({})}">${say('examineAgain')}</a> <span class="muted">${say('asOf')} ${timeAgo(at, page)}</span>${underWay}</p>${bad.length > 0 ? html`<ul class="list">${join(bad.map(line), '')}</ul>` : ''}<details><summary>${say('well')}</summary><ul class="list">${join(well.map(line), '')}</ul></details>`;
      },
    }),
    part({
      name: 'services',
      heading: 'services',
      everyMs: seconds(15),
      load: ({ state }) => state.services(),
      draw(rows, page) {
        const { locale, say } = page;
        if (rows.length === 0) return emptyState(say('noServices'));
        type Row = (typeof rows)[number];
        return dataTable({
          caption: say('services'),
          rows,
          idOf: ({ name }) => `service-${name}`,
          columns: [
            { heading: say('service'), cell: ({ name }: Row) => name },
            {
              heading: say('state'),
              cell: ({ error, status }) =>
                html`${stateBadge(SERVICES[status], say(`service.${status}`))}${error ? html`<span class="muted about">${said(error, locale)}</span>` : ''}`,
            },
            {
              heading: say('latency'),
              kind: 'number',
              cell: ({ latencyMs }) => (latencyMs === undefined ? '–' : latencyText(latencyMs, locale)),
            },
            { heading: say('since'), cell: ({ since }) => timeAgo(since, page) },
            { heading: say('checked'), cell: ({ checkedAt }) => timeAgo(checkedAt, page) },
          ],
        });
      },
    }),
    part({
      name: 'breakers',
      heading: 'breakers',
      width: 'half',
      everyMs: seconds(15),
      load: ({ state }) => state.processes(),
      draw: breakerTable,
    }),
    part({
      name: 'limits',
      heading: 'limits',
      width: 'half',
      everyMs: seconds(5),
      load: ({ state }) => state.limits(),
      draw: limitTiles,
    }),
    part({
      name: 'processes',
      heading: 'processes',
      everyMs: seconds(15),
      load: ({ state }) => state.processes(),
      draw: processTable,
    }),
    part({
      name: 'queues',
      heading: 'queues',
      everyMs: seconds(15),
      load: ({ state }) => state.queues(),
      draw(snapshot, page) {
        const { locale, say } = page;
        if (!snapshot) return unknownState(undefined, page);
        const { at, intake, notifications, queues } = snapshot;
        type Row = { name: string; depth: (typeof queues)[string] };
        const number = (heading: 'waiting' | 'active' | 'delayed' | 'dead', of: (depth: Row['depth']) => number) => ({
          heading: say(heading),
          kind: 'number' as const,
          cell: ({ depth }: Row) => numberText(of(depth), locale),
        });
        const table = dataTable<Row>({
          caption: say('queues'),
          rows: Object.entries(queues).map(([name, depth]) => ({ name, depth })),
          idOf: ({ name }) => `queue-${name}`,
          columns: [
            { heading: say('queue'), cell: ({ name }) => name },
            number('waiting', ({ waiting }) => waiting),
            number('active', ({ active }) => active),
            number('delayed', ({ delayed }) => delayed),
            number('dead', ({ failed }) => failed),
          ],
        });
        const [unread, taken] = [intake?.unread ?? 0, intake?.pending ?? 0].map((n) => numberText(n, locale));
        const [pending, due] = [notifications?.pending ?? 0, notifications?.due ?? 0].map((n) => numberText(n, locale));
        return html`${table}${notifications ? html`<p>${say('rows', pending!, due!)}</p>` : ''}${intake ? html`<p>${say('intake', unread!, taken!)}</p>` : ''}<p class="muted small">${say('asOf')} ${timeAgo(at, page)}</p>`;
      },
    }),
    part({
      name: 'links',
      heading: 'more',
      width: 'half',
      load: ({ version }) => version,
      draw: (version, { may, say }) =>
        html`<ul><li><a href="/api/docs">${say('apiDocs')}</a></li><li><a href="/metrics">${say('metrics')}</a></li>${may('admin') ? html`<li><a href="/queues">${say('board')}</a></li>` : ''}</ul><p class="muted">${say('product')} ${version}</p>`,
    }),
    part({
      name: 'settings',
      heading: 'settings',
      width: 'half',
      needs: 'owner',
      load: settingsList,
      draw: (rows, { locale, say }) =>
        html`<details><summary>${say('settingsShown', numberText(rows.length, locale))}</summary>${dataTable({
          caption: say('settings'),
          rows,
          idOf: ({ name }) => `setting-${name}`,
          columns: [
            { heading: say('name'), cell: ({ name }: { name: string; value: string }) => html`<code>${name}</code>` },
            { heading: say('value'), cell: ({ value }) => value },
          ],
        })}</details>`,
    }),
  ],
});
