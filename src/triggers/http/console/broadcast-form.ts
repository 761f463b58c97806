import { z } from 'zod';
import type { Locale } from '../../../lib/locale.ts';
import type { Segment } from '../../../lib/segment.ts';
import type { BroadcastButtons, BroadcastDraft } from '../../../repositories/history/planned-broadcasts.ts';
import { BUTTON_TEXT, BUTTON_URL, BUTTON_URL_CHARACTERS, MOST_BUTTONS, MOST_STARS } from '../../broadcast-bodies.ts';
import { ANY_OF, AUDIENCE_INPUTS, AudienceFields, chosenFrom, plansProblem, span, VALUES } from './audience-form.ts';
import type { Field, FormOf } from './define-view.ts';

const PANEL_STATES = ['ACTIVE', 'EXPIRED', 'LIMITED', 'DISABLED'] as const;

const days = z.int().min(-3_650).max(3_650).optional();
/** Countries and nodes, within the limits of `SegmentConditions`. */
const words = z.array(z.string().min(1).max(100)).max(200).optional();
const text = z.string().max(100_000).optional();

/** Told beside the field, in the reader's language. */
const MISTAKES = {
  order: { en: 'must be more than the day before it', ru: 'должно быть больше предыдущего' },
  country: { en: 'must be country codes such as DE', ru: 'нужны коды стран, как DE' },
  buttons: {
    en: 'one a line, ten at most: a label of up to 64 characters, a |, and a link with https://, t.me/ or tg://',
    ru: 'по одной в строке, до десяти: надпись до 64 знаков, | и ссылка с https://, t.me/ или tg://',
  },
  noText: { en: 'one language at least needs a text', ru: 'нужен текст хотя бы на одном языке' },
} as const;

const Fields = z.object({
  /** Of the draft that it makes: the same form sent twice makes one. */
  id: z.guid(),
  name: z.string().trim().min(1).max(100),
  text_ru: text,
  text_en: text,
  buttons: z.string().max(50_000).optional(),
  /** The id of a picture that is kept, or one that was chosen, as a data URL. */
  picture: z
    .string()
    .regex(/^([\da-f-]{36}|data:[\w/+.-]*;base64,[A-Za-z\d+/]*={0,2})$/)
    .optional(),
  no_picture: z.boolean().optional(),
  stars: z.int().min(1).max(MOST_STARS).optional(),
  /** The conditions are saved under this name as well. */
  save_as: z.string().trim().min(1).max(100).optional(),
  status: z.array(z.enum(PANEL_STATES)).max(PANEL_STATES.length).optional(),
  ends_from: days,
  ends_to: days,
  connected: z.enum(['never', 'ever']).optional(),
  silent_days: span,
  countries: words,
  nodes: words,
  telegram_ids: z.array(z.int().positive()).max(500_000).optional(),
  missed: z.guid().optional(),
  ...AudienceFields,
});

type Filled = z.output<typeof Fields>;

/** What the composer asks for, in its order. */
export const COMPOSER_FIELDS: Readonly<Record<string, Field>> = {
  name: { kind: 'text', required: true, label: { en: 'Name, for staff', ru: 'Название, для своих' } },
  text_ru: { kind: 'area', label: { en: 'Text in Russian', ru: 'Текст по-русски' }, hint: VALUES },
  text_en: { kind: 'area', label: { en: 'Text in English', ru: 'Текст по-английски' }, hint: VALUES },
  picture: {
    kind: 'picture',
    label: { en: 'Picture', ru: 'Картинка' },
    hint: {
      en: 'JPEG, PNG or WebP, up to 10 MB; the text is its caption then, up to 1024 characters',
      ru: 'JPEG, PNG или WebP до 10 МБ; текст становится подписью, до 1024 знаков',
    },
  },
  no_picture: { kind: 'check', label: { en: 'Without the picture', ru: 'Без картинки' } },
  buttons: {
    kind: 'area',
    label: { en: 'Buttons', ru: 'Кнопки' },
    hint: { en: 'One a line: Renew | https://example.org', ru: 'По одной в строке: Продлить | https://example.org' },
  },
  status: chosenFrom(
    'choices',
    { en: 'State at the panel', ru: 'Состояние в панели' },
    {
      ACTIVE: { en: 'active', ru: 'активен' },
      EXPIRED: { en: 'ended', ru: 'срок истёк' },
      LIMITED: { en: 'traffic used up', ru: 'трафик исчерпан' },
      DISABLED: { en: 'switched off', ru: 'отключён' },
    },
  ),
  connected: chosenFrom(
    'choice',
    { en: 'Connected', ru: 'Подключался' },
    { never: { en: 'never', ru: 'никогда' }, ever: { en: 'at least once', ru: 'хотя бы раз' } },
  ),
  ends_from: {
    kind: 'number',
    width: 'half',
    label: { en: 'Ends in days, from', ru: 'Кончается через дней, от' },
    hint: { en: 'Negative: so many days ago', ru: 'Отрицательное: столько дней назад' },
  },
  ends_to: { kind: 'number', width: 'half', label: { en: 'Ends in days, before', ru: 'Кончается через дней, до' } },
  paid_within_days: AUDIENCE_INPUTS.paid_within_days,
  not_paid_within_days: AUDIENCE_INPUTS.not_paid_within_days,
  silent_days: { kind: 'number', width: 'half', label: { en: 'Not connected for days', ru: 'Не подключался дней' } },
  languages: AUDIENCE_INPUTS.languages,
  countries: {
    kind: 'words',
    width: 'half',
    label: { en: 'Countries of the last node, as DE', ru: 'Страны последнего узла, как DE' },
    hint: ANY_OF,
  },
  nodes: { kind: 'words', width: 'half', label: { en: 'Last node, uuid', ru: 'Последний узел, uuid' }, hint: ANY_OF },
  tags: AUDIENCE_INPUTS.tags,
  plans: AUDIENCE_INPUTS.plans,
  telegram_ids: {
    kind: 'numbers',
    label: { en: 'Only these Telegram ids', ru: 'Только эти Telegram id' },
    hint: { en: 'Empty: all who meet the conditions', ru: 'Пусто: все, кто подходит под условия' },
  },
  missed: {
    kind: 'text',
    width: 'half',
    label: { en: 'Only who missed the broadcast, id', ru: 'Только кто не получил рассылку, id' },
  },
  holdout: AUDIENCE_INPUTS.holdout,
  stars: {
    kind: 'number',
    width: 'half',
    label: { en: 'Paid rate: Stars at most', ru: 'Платная скорость: звёзд не больше' },
    hint: {
      en: '0.1 for each message; empty: the regular rate, for nothing',
      ru: '0,1 за сообщение; пусто: обычная скорость, бесплатно',
    },
  },
  save_as: {
    kind: 'text',
    width: 'half',
    label: { en: 'Save these conditions as', ru: 'Сохранить условия под именем' },
  },
};

/** The composer's form. `whyWrong` judges a text; mistakes are told in `locale`. */
export function broadcastForm(
  whyWrong: (text: string, locale: Locale) => string | undefined,
  locale: Locale,
): FormOf<typeof Fields> {
  const schema = Fields.superRefine((form, context) => {
    const mistake = (field: keyof Filled, message: string | undefined): void => {
      if (message !== undefined) context.addIssue({ code: 'custom', path: [field], message });
    };
    const { countries = [], ends_from: from, ends_to: to, plans, text_en: en, text_ru: ru } = form;
    if (!en && !ru) mistake('text_ru', MISTAKES.noText[locale]);
    mistake('text_en', en && whyWrong(en, locale));
    mistake('text_ru', ru && whyWrong(ru, locale));
    if (from !== undefined && to !== undefined && from >= to) mistake('ends_to', MISTAKES.order[locale]);
    if (!countries.every((one) => /^[A-Z]{2}$/.test(one))) mistake('countries', MISTAKES.country[locale]);
    if (form.buttons !== undefined && !buttonsIn(form.buttons)) mistake('buttons', MISTAKES.buttons[locale]);
    mistake('plans', plansProblem(plans, locale));
  });
  return { schema, fields: COMPOSER_FIELDS };
}

/** One a line: label, a bar, link. Undefined where one is not so. */
function buttonsIn(text: string): BroadcastButtons | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const buttons = lines.flatMap((line) => {
    const at = line.lastIndexOf('|');
    const [label, url] = [line.slice(0, Math.max(0, at)).trim(), line.slice(at + 1).trim()];
    const isRight = BUTTON_TEXT.safeParse(label).success && BUTTON_URL.test(url) && url.length <= BUTTON_URL_CHARACTERS;
    return isRight ? [{ text: label, url }] : [];
  });
  return buttons.length === lines.length && buttons.length <= MOST_BUTTONS ? buttons : undefined;
}

/** What a filled form means; `picture` is the id of the one that is kept. */
export function draftOfForm(filled: Filled, picture: string | undefined): BroadcastDraft {
  const { id: _, no_picture: _1, picture: _2, save_as: _3, ...form } = filled;
  const {
    buttons,
    ends_from: from,
    ends_to: to,
    holdout = 0,
    name,
    stars,
    text_en: en,
    text_ru: ru,
    ...segment
  } = form;
  const ends = from === undefined && to === undefined ? undefined : { from_days: from, to_days: to };
  return {
    ...{ name, picture, starsLimit: stars, holdoutPercent: holdout },
    buttons: buttonsIn(buttons ?? '') ?? [],
    segment: present<Segment>({ ...segment, ends }),
    texts: present({ en, ru }),
  };
}

/** The form filled with conditions. */
export function formOfSegment({ ends, ...others }: Segment): Record<string, string> {
  const all = { ...others, ends_from: ends?.from_days, ends_to: ends?.to_days };
  return Object.fromEntries(
    Object.entries(all).flatMap(([field, value]) =>
      value === undefined ? [] : [[field, Array.isArray(value) ? value.join(', ') : String(value)]],
    ),
  );
}

/** The form filled with all of a draft but its conditions. */
export function formOfDraft(draft: BroadcastDraft): Record<string, string> {
  const { buttons, holdoutPercent, name, picture, starsLimit, texts } = draft;
  return present({
    ...{ name, picture, text_en: texts.en, text_ru: texts.ru, stars: starsLimit?.toString() },
    buttons: buttons.length === 0 ? undefined : buttons.map(({ text, url }) => `${text} | ${url}`).join('\n'),
    holdout: holdoutPercent === 0 ? undefined : String(holdoutPercent),
  }) as Record<string, string>;
}

/** The same without what is absent or an empty list. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined && !(Array.isArray(field) && field.length === 0)),
  ) as T;
}
