import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SegmentConditions } from '../../../lib/segment.ts';
import { broadcastForm, draftOfForm, formOfDraft, formOfSegment } from './broadcast-form.ts';
import { campaignForm, draftOfCampaignForm, formOfCampaign } from './campaign-form.ts';
import type { Page } from './define-view.ts';
import { readForm } from './forms.ts';

/** Of the reader, only what reading a form asks for. */
const page = { locale: 'en', say: (word: string) => word, clock: { instant: () => undefined } } as unknown as Page;
const id = '00000000-0000-4000-8000-000000000001';

const tag = fc.stringMatching(/^[A-Z0-9_]{1,50}$/);
const some = <T>(item: fc.Arbitrary<T>) => fc.uniqueArray(item, { minLength: 1, maxLength: 4 });
const days = fc.integer({ min: 1, max: 3_650 });
const audience = {
  languages: some(fc.constantFrom('en' as const, 'ru' as const)),
  plans: some(fc.uuid()),
  tags: some(tag),
  paid_within_days: days,
  not_paid_within_days: days,
};
const segments = fc.record(
  {
    ...audience,
    status: some(fc.constantFrom('ACTIVE' as const, 'EXPIRED' as const, 'LIMITED' as const, 'DISABLED' as const)),
    ends: fc.integer({ min: -3_650, max: 3_649 }).map((from) => ({ from_days: from, to_days: from + 1 })),
    connected: fc.constantFrom('never' as const, 'ever' as const),
    silent_days: days,
    nodes: some(fc.uuid()),
    countries: some(fc.stringMatching(/^[A-Z]{2}$/)),
    telegram_ids: some(fc.integer({ min: 1, max: 9_007_199_254_740_991 })),
    missed: fc.uuid(),
  },
  { requiredKeys: [] },
);

/** As a browser sends it: a name for each box that is ticked. */
const sent = (values: Readonly<Record<string, string>>, boxes: readonly string[]) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, boxes.includes(name) ? value.split(', ') : value]),
  );

test('a draft that goes through the composer unchanged keeps every condition', () => {
  const form = broadcastForm(() => undefined, 'en');
  const check = fc.property(segments, (segment) => {
    SegmentConditions.parse(segment);
    const draft = {
      name: 'x',
      texts: { en: 'x' },
      segment,
      buttons: [],
      picture: undefined,
      starsLimit: undefined,
      holdoutPercent: 0,
    };
    const values = { ...formOfDraft(draft), ...formOfSegment(segment), id };
    const read = readForm(form, sent(values, ['status', 'languages']), page);
    if (read.errors) throw new Error(JSON.stringify(read.errors));
    expect(draftOfForm(read.value as never, undefined)).toEqual(draft);
  });
  fc.assert(check);
});

test('a campaign that goes through its form unchanged keeps every condition', () => {
  const form = campaignForm({ whyTextWrong: () => undefined }, 'en');
  const check = fc.property(fc.record(audience, { requiredKeys: [] }), (conditions) => {
    const draft = {
      ...{ name: 'x', trigger: 'before_end' as const, holdoutPercent: 5, inPlaceOfBuiltIn: true },
      steps: [{ at: 24, texts: { en: 'x' } }],
      audience: conditions,
    } as const;
    const values = { ...formOfCampaign(draft), id };
    const read = readForm(form, sent(values, ['languages']), page);
    if (read.errors) throw new Error(JSON.stringify(read.errors));
    expect(draftOfCampaignForm(read.value).draft).toEqual(draft);
  });
  fc.assert(check);
});

test('what the composer takes, a broadcast can be sent to', () => {
  const form = broadcastForm(() => undefined, 'en');
  const text = fc.string({ maxLength: 120 });
  const typed = fc.record(
    { tags: text, nodes: text, countries: text, plans: text, silent_days: text },
    { requiredKeys: [] },
  );
  const check = fc.property(typed, (values) => {
    const read = readForm(form, { name: 'x', text_en: 'x', id, ...values }, page);
    if (read.errors) return;
    expect(SegmentConditions.safeParse(draftOfForm(read.value as never, undefined).segment).success).toBe(true);
  });
  fc.assert(check, { examples: [[{ tags: 'A'.repeat(60) }], [{ nodes: 'n'.repeat(101) }], [{ silent_days: '1.5' }]] });
});

test('conditions that cannot be read are not taken for none', () => {
  const steps = [{ at: 24, texts: { en: 'x' } }];
  const campaign = { name: 'x', trigger: 'before_end', steps, holdoutPercent: 0, inPlaceOfBuiltIn: false } as const;
  expect(formOfCampaign({ ...campaign, audience: { of_next_year: true } })).toBeUndefined();
  const many = Array.from({ length: 6 }, (_, i) => ({ at: i + 1, texts: { en: 'x' } }));
  expect(formOfCampaign({ ...campaign, steps: many, audience: {} })).toBeUndefined();
});
