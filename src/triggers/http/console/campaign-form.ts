import { z } from 'zod';
import {
  CAMPAIGN_TRIGGERS,
  CampaignAudience,
  type CampaignStep,
  type CampaignTrigger,
  MOST_AT,
  STEP_UNITS,
} from '../../../lib/campaign-rules.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { CampaignDraft } from '../../../repositories/history/campaigns.ts';
import type { CampaignsContext } from '../../campaigns.ts';
import { AUDIENCE_INPUTS, AudienceFields, audienceInForm, audienceOf, plansProblem, VALUES } from './audience-form.ts';
import { TRIGGER_WORDS } from './campaign-words.ts';
import type { Field, FormOf, Text } from './define-view.ts';

/** Steps that the form has room for; the API takes more. */
const FORM_STEPS = [1, 2, 3, 4, 5] as const;

const MISTAKES = {
  noText: { en: 'needs a text in one language at least', ru: 'нужен текст хотя бы на одном языке' },
  noStep: { en: 'one step at least is needed', ru: 'нужен хотя бы один шаг' },
  noDistance: { en: 'needs its distance', ru: 'нужно расстояние' },
  twice: { en: 'stands there twice', ru: 'указано дважды' },
  far: { en: 'must be at most %', ru: 'не больше %' },
} as const satisfies Record<string, Text>;

const at = z.int().min(1).max(MOST_AT).optional();
const text = z.string().max(100_000).optional();

type FormStep = (typeof FORM_STEPS)[number];
type StepFields = Record<`at_${FormStep}`, typeof at> & Record<`text_${Locale}_${FormStep}`, typeof text>;

const stepFields = Object.fromEntries(
  FORM_STEPS.flatMap((n) => [
    [`at_${n}`, at],
    [`text_ru_${n}`, text],
    [`text_en_${n}`, text],
  ]),
) as StepFields;

const Fields = z
  .object({
    /** Of the campaign that it makes: the same form sent twice makes one. */
    id: z.guid(),
    name: z.string().trim().min(1).max(100),
    trigger: z.enum(CAMPAIGN_TRIGGERS),
    ...AudienceFields,
    in_place_of_built_in: z.boolean().default(false),
  })
  .extend(stepFields);

type Filled = z.output<typeof Fields>;

const options = (words: Readonly<Record<string, Text>>) =>
  Object.entries(words).map(([value, label]) => ({ value, label }));

const stepOf = (n: number): [string, Field][] => [
  [
    `at_${n}`,
    {
      kind: 'number',
      width: 'half',
      label: { en: `Step ${n}: at`, ru: `Шаг ${n}: когда` },
      hint: { en: 'Hours; percent of traffic; days without traffic', ru: 'Часы; процент трафика; дни без трафика' },
    },
  ],
  [
    `text_ru_${n}`,
    { kind: 'area', label: { en: `Step ${n}: text in Russian`, ru: `Шаг ${n}: текст по-русски` }, hint: VALUES },
  ],
  [
    `text_en_${n}`,
    { kind: 'area', label: { en: `Step ${n}: text in English`, ru: `Шаг ${n}: текст по-английски` }, hint: VALUES },
  ],
];

/** What the form asks for, in its order. */
const CAMPAIGN_FIELDS: Readonly<Record<string, Field>> = {
  name: { kind: 'text', required: true, label: { en: 'Name, for staff', ru: 'Название, для своих' } },
  trigger: {
    kind: 'choice',
    required: true,
    label: { en: 'What it waits for', ru: 'Чего ждёт' },
    options: options(TRIGGER_WORDS),
  },
  ...Object.fromEntries(FORM_STEPS.flatMap(stepOf)),
  ...AUDIENCE_INPUTS,
  in_place_of_built_in: {
    kind: 'check',
    label: {
      en: 'In place of the built-in messages, for whom it is for',
      ru: 'Вместо встроенных сообщений — для тех, кому она',
    },
  },
};

/** The form of a campaign. Mistakes are told in `locale`. */
export function campaignForm({ whyTextWrong }: Pick<CampaignsContext, 'whyTextWrong'>, locale: Locale): FormOf {
  const most: Readonly<Record<(typeof STEP_UNITS)[CampaignTrigger], number>> = {
    hours: MOST_AT,
    percent: 100,
    days: 365,
  };
  const schema = Fields.superRefine((form, context) => {
    const mistake = (field: string, message: string | undefined): void => {
      if (message !== undefined) context.addIssue({ code: 'custom', path: [field], message });
    };
    const limit = most[STEP_UNITS[form.trigger]];
    const seen = new Set<unknown>();
    for (const n of FORM_STEPS) {
      const { distance, en, ru } = rawStep(form, n);
      mistake(`text_en_${n}`, en && whyTextWrong(en, locale));
      mistake(`text_ru_${n}`, ru && whyTextWrong(ru, locale));
      if (distance === undefined) {
        if (en || ru) mistake(`at_${n}`, MISTAKES.noDistance[locale]);
        continue;
      }
      if (!en && !ru) mistake(`text_ru_${n}`, MISTAKES.noText[locale]);
      if (seen.has(distance)) mistake(`at_${n}`, MISTAKES.twice[locale]);
      if (distance > limit) mistake(`at_${n}`, MISTAKES.far[locale].replace('%', String(limit)));
      seen.add(distance);
    }
    if (seen.size === 0) mistake('at_1', MISTAKES.noStep[locale]);
    mistake('plans', plansProblem(form.plans, locale));
  });
  return { schema, fields: CAMPAIGN_FIELDS };
}

function rawStep(form: Filled, n: FormStep): { distance: number | undefined; en?: string; ru?: string } {
  const [en, ru] = [form[`text_en_${n}`], form[`text_ru_${n}`]];
  return { distance: form[`at_${n}`], ...(en && { en }), ...(ru && { ru }) };
}

/** What a filled form means. */
export function draftOfCampaignForm(filled: unknown): { id: string; draft: CampaignDraft } {
  const form = Fields.parse(filled);
  const { holdout = 0, id, in_place_of_built_in: inPlaceOfBuiltIn, name, trigger } = form;
  const steps = FORM_STEPS.flatMap((n): CampaignStep[] => {
    const { distance, ...texts } = rawStep(form, n);
    return distance === undefined ? [] : [{ at: distance, texts }];
  });
  const audience = audienceOf(form);
  return { id, draft: { name, trigger, steps, audience, holdoutPercent: holdout, inPlaceOfBuiltIn } };
}

/** The form filled with a campaign; undefined where it has no room for all of it, or its conditions cannot be read. The API changes those. */
export function formOfCampaign(draft: CampaignDraft): Record<string, string> | undefined {
  const { data: audience } = CampaignAudience.safeParse(draft.audience);
  if (!audience || draft.steps.length > FORM_STEPS.length) return undefined;
  const steps = draft.steps.flatMap(({ at: distance, texts }, i) => [
    [`at_${i + 1}`, distance],
    [`text_ru_${i + 1}`, texts.ru],
    [`text_en_${i + 1}`, texts.en],
  ]);
  const all = {
    ...{ name: draft.name, trigger: draft.trigger, ...Object.fromEntries(steps) },
    ...audienceInForm(audience),
    holdout: draft.holdoutPercent === 0 ? undefined : draft.holdoutPercent,
    in_place_of_built_in: draft.inPlaceOfBuiltIn ? 'on' : undefined,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([field, value]) => (value === undefined ? [] : [[field, String(value)]])),
  );
}

const DEFAULT_TEXTS: CampaignStep['texts'] = {
  en: 'Your subscription {username} ends on {expires_at}.',
  ru: 'Подписка {username} заканчивается {expires_at}.',
};

/** A campaign in place of the built-in reminders: their distances, with a text to begin with. */
export const likeBuiltIn = (builtIn: CampaignDraft): CampaignDraft => ({
  ...builtIn,
  name: '',
  inPlaceOfBuiltIn: true,
  steps: builtIn.steps.map(({ at: distance }) => ({ at: distance, texts: DEFAULT_TEXTS })),
});
