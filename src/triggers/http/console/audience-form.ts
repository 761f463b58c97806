import { z } from 'zod';
import { LOCALES, type Locale } from '../../../lib/locale.ts';
import type { Segment } from '../../../lib/segment.ts';
import { MOST_HELD_OUT_PERCENT } from '../../broadcasts.ts';
import type { Field, Text } from './define-view.ts';

/** The most entries of a list, and characters of an entry: those of `SegmentConditions`. */
const LISTED = 200;
const words = (most: number) => z.array(z.string().min(1).max(most)).max(LISTED).optional();
/** Days back, as `SegmentConditions` has them. */
export const span = z.int().min(1).max(3_650).optional();

/** Fields of every form that asks whom messages are for. */
export const AudienceFields = {
  languages: z.array(z.enum(LOCALES)).max(LOCALES.length).optional(),
  plans: words(36),
  tags: words(50),
  paid_within_days: span,
  not_paid_within_days: span,
  holdout: z.int().min(0).max(MOST_HELD_OUT_PERCENT).optional(),
} as const;

type Filled = { [Name in keyof typeof AudienceFields]?: z.output<(typeof AudienceFields)[Name]> };

/** A field of words that are to be chosen from, half as wide as the form. */
export const chosenFrom = (kind: 'choice' | 'choices', label: Text, words: Readonly<Record<string, Text>>): Field => ({
  ...{ kind, width: 'half', label },
  options: Object.entries(words).map(([value, said]) => ({ value, label: said })),
});

export const ANY_OF: Text = { en: 'Separated by commas; any of them', ru: 'Через запятую; подходит любой' };

/** Beside a field for a text to customers. */
export const VALUES: Text = {
  en: 'Telegram HTML. {username}, {days_left}, {expires_at}, {plan} become those of the reader',
  ru: 'HTML Telegram. {username}, {days_left}, {expires_at}, {plan} заменяются данными читателя',
};

export const AUDIENCE_INPUTS: Readonly<Record<keyof typeof AudienceFields, Field>> = {
  languages: chosenFrom(
    'choices',
    { en: 'Language', ru: 'Язык' },
    { ru: { en: 'Russian', ru: 'русский' }, en: { en: 'English', ru: 'английский' } },
  ),
  plans: { kind: 'words', width: 'half', label: { en: 'Last plan, id', ru: 'Последний тариф, id' }, hint: ANY_OF },
  tags: { kind: 'words', width: 'half', label: { en: 'Tags at the panel', ru: 'Теги в панели' }, hint: ANY_OF },
  paid_within_days: {
    kind: 'number',
    width: 'half',
    label: { en: 'Paid within days', ru: 'Платил за последние дней' },
  },
  not_paid_within_days: {
    kind: 'number',
    width: 'half',
    label: { en: 'Not paid within days', ru: 'Не платил дней' },
    hint: { en: '3650: a trial, who never paid', ru: '3650: пробный, кто никогда не платил' },
  },
  holdout: {
    kind: 'number',
    width: 'half',
    label: { en: 'Get nothing, of a hundred', ru: 'Не получат, из ста' },
    hint: { en: 'To see what the messages earn', ru: 'Чтобы увидеть, сколько приносят сообщения' },
  },
};

/** The mistake in these plans, in words that go behind the name of their field. */
export const plansProblem = (plans: readonly string[] | undefined, locale: Locale): string | undefined =>
  (plans ?? []).every((one) => z.guid().safeParse(one).success)
    ? undefined
    : { en: 'must be ids of plans', ru: 'нужны id тарифов' }[locale];

/** The conditions that these fields mean; an empty list is none. */
export const audienceOf = ({ languages, plans, tags, ...days }: Omit<Filled, 'holdout'>): Segment => ({
  ...(languages?.length && { languages }),
  ...(plans?.length && { plans }),
  ...(tags?.length && { tags }),
  ...(days.paid_within_days !== undefined && { paid_within_days: days.paid_within_days }),
  ...(days.not_paid_within_days !== undefined && { not_paid_within_days: days.not_paid_within_days }),
});

/** The fields filled with conditions; undefined where there is nothing to write. */
export const audienceInForm = ({ languages, plans, tags, ...days }: Segment) => ({
  languages: languages?.join(', '),
  plans: plans?.join(', '),
  tags: tags?.join(', '),
  paid_within_days: days.paid_within_days,
  not_paid_within_days: days.not_paid_within_days,
});
