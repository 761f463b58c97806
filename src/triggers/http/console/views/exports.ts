import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { bytesText, numberText } from '../../../../lib/quantities.ts';
import { dispatchFor } from '../../api/dispatch.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { dataTable } from '../components/data-table.ts';
import { personOf } from '../components/people.ts';
import { emptyState, progressBar, stateBadge } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { JOB_STATE_TEXTS, JOB_STATE_TONES } from '../run-words.ts';

const TYPES = {
  users: { en: 'users', ru: 'пользователи' },
  payments: { en: 'payments', ru: 'платежи' },
  servers: { en: 'servers', ru: 'серверы' },
  audit: { en: 'audit log', ru: 'журнал аудита' },
} as const;
const FORMATS = {
  csv: { en: 'CSV', ru: 'CSV' },
  csv_excel: { en: 'CSV for Excel', ru: 'CSV для Excel' },
  xlsx: { en: 'Excel', ru: 'Excel' },
  json: { en: 'JSON', ru: 'JSON' },
} as const;
const TYPE_NAMES = Object.keys(TYPES) as [keyof typeof TYPES];
const FORMAT_NAMES = Object.keys(FORMATS) as [keyof typeof FORMATS];

const Ended = z.object({ rows: z.number(), bytes: z.number(), export_id: z.string() });
const Counts = z.object({ processed: z.number(), total: z.number() });

/** Exports: to ask for one, to watch it, to take the file. */
export default defineView({
  path: '/exports',
  needs: 'admin',
  nav: { group: 'work', order: 40 },
  texts: {
    title: { en: 'Exports', ru: 'Экспорт' },
    new: { en: 'New', ru: 'Новый' },
    list: { en: 'The latest', ru: 'Последние' },
    go: { en: 'Export', ru: 'Выгрузить' },
    begun: {
      en: 'It has begun. The file stands here when it is ready; the admins get a link too.',
      ru: 'Начато. Готовый файл появится здесь; админы получат и ссылку.',
    },
    nothing: { en: 'No export was asked for lately.', ru: 'В последнее время выгрузок не было.' },
    job: { en: 'Export', ru: 'Выгрузка' },
    state: { en: 'State', ru: 'Состояние' },
    asked: { en: 'Asked for', ru: 'Запрошена' },
    size: { en: 'Size', ru: 'Размер' },
    rows: { en: '% rows, %', ru: 'строк: %, %' },
    file: { en: 'Download', ru: 'Скачать' },
  },

  deeds: ({ deed }) => ({
    start: deed({
      needs: 'admin',
      label: 'go',
      form: {
        schema: z.object({
          export_type: z.enum(TYPE_NAMES),
          format: z.enum(FORMAT_NAMES),
          from: z.iso.datetime().optional(),
          to: z.iso.datetime().optional(),
        }),
        fields: {
          export_type: {
            kind: 'choice',
            required: true,
            label: { en: 'What', ru: 'Что' },
            options: TYPE_NAMES.map((value) => ({ value, label: TYPES[value] })),
          },
          format: {
            kind: 'choice',
            required: true,
            label: { en: 'Format', ru: 'Формат' },
            options: FORMAT_NAMES.map((value) => ({ value, label: FORMATS[value] })),
          },
          from: { kind: 'moment', label: { en: 'Created from', ru: 'Созданы с' } },
          to: { kind: 'moment', label: { en: 'Created before', ru: 'Созданы до' } },
        },
      },
      async run(context, { audit, caller, form: { from, to, ...form }, page, request }) {
        const { traceparent } = request.headers;
        const payload = { ...form, date_range: [from ?? null, to ?? null] };
        const asked = { name: context.buttons.downloads.name, payload, caller: callerOf(caller), audit, traceparent };
        await dispatchFor(context, asked);
        return { receipt: page.say('begun'), act: 'recorded' };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'new',
      heading: 'new',
      load: () => undefined,
      draw: (_nothing, { form }) => form('start'),
    }),
    part({
      name: 'list',
      heading: 'list',
      everyMs: seconds(5),
      async load({ buttons, jobs, progress }) {
        const watched = (await jobs.watched()).filter(({ task }) => task === buttons.downloads.name);
        return await Promise.all(
          watched.map(async (job) => ({
            job,
            ended: Ended.safeParse(job.result).data,
            counts: Counts.safeParse(await progress.find(job.progressId)).data,
          })),
        );
      },
      draw(rows, page) {
        const { locale, say } = page;
        if (rows.length === 0) return emptyState(say('nothing'));
        return dataTable({
          caption: say('list'),
          rows,
          idOf: ({ job }) => `export-${job.id}`,
          columns: [
            {
              heading: say('job'),
              cell: ({ job }) =>
                html`<a href="/jobs/${encodeURIComponent(job.id)}">${job.id.slice(0, 8)}</a> <span class="muted">${personOf(job.initiatedBy)}</span>`,
            },
            {
              heading: say('state'),
              cell: ({ counts, job }) =>
                html`${stateBadge(JOB_STATE_TONES[job.state], JOB_STATE_TEXTS[job.state][locale])}${
                  counts && job.state === 'active'
                    ? html` ${progressBar(counts.processed, counts.total, job.id, page)}`
                    : ''
                }${job.error ? html`<span class="muted about wrap">${job.error}</span>` : ''}`,
            },
            { heading: say('asked'), cell: ({ job }) => timeAgo(job.createdAt, page) },
            {
              heading: say('size'),
              cell: ({ ended }) =>
                ended ? say('rows', numberText(ended.rows, locale), bytesText(ended.bytes, locale)) : '',
            },
            {
              heading: '',
              kind: 'actions',
              cell: ({ ended }) =>
                ended
                  ? html`<a class="button" href="/api/v1/exports/${ended.export_id}" download>${say('file')}</a>`
                  : '',
            },
          ],
        });
      },
    }),
  ],
});
