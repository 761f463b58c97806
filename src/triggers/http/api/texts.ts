import { z } from 'zod';
import { CUSTOMER_TEXTS, TEXT_NAMES, type TextName } from '../../../lib/customer-texts.ts';
import { LOCALES } from '../../../lib/locale.ts';
import type { TextState } from '../../texts.ts';
import { TEXTS_KNOWN_WITHIN_SECONDS, VERSIONS_LISTED } from '../../texts.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const locale = z.enum(LOCALES).describe('The language of the text');
const Name = z.object({ name: z.enum(TEXT_NAMES).describe('Which text') });
const written = z.string().min(1).max(100_000);
const version = z.int().min(0).max(1_000_000);

const StateBody = z.object({
  name: z.string(),
  locale: z.enum(LOCALES),
  from: z.enum(['page', 'folder', 'built_in']).describe('Whose text is in force'),
  text: z.string().describe('The text in force'),
  built_in: z.string(),
  version: z.int().describe('The newest version made at the page, the API or the command line; 0 where there is none'),
  saved_by: z.string().optional(),
  saved_at: time.optional(),
  file: z.string().optional().describe('The file in TEXTS_DIR'),
  why: z.string().optional().describe('Why a text of yours is not used though there is one'),
});
const VersionBody = z.object({
  locale: z.string(),
  version: z.int(),
  text: z.string().optional().describe('Absent where the text was taken back'),
  saved_by: z.string(),
  saved_at: time,
});
const VariableBody = z.object({ name: z.string(), meaning: z.string(), required: z.boolean(), optional: z.boolean() });
namesOfSchemas.add(StateBody, { id: 'CustomerText' });

const Saved = z.object({ version: z.int() });

/** Texts that customers read: which are in force, other ones in their place, and back. */
export function textRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Texts', needs: 'admin' } as const;
  const { texts } = context;
  return [
    apiRoute({
      ...about,
      id: 'listTexts',
      method: 'GET',
      path: '/api/v1/texts',
      summary: 'Texts that customers read, and whose is in force',
      description: `A text made here comes before a file of TEXTS_DIR, and that before the built-in one. Every process knows of a change within ${TEXTS_KNOWN_WITHIN_SECONDS} s.`,
      answers: { 200: { description: 'By name and language', schema: z.object({ texts: z.array(StateBody) }) } },
      handle: async () => ({ status: 200, body: { texts: (await texts.states()).states.map(stateBody) } }),
    }),
    apiRoute({
      ...about,
      id: 'getText',
      method: 'GET',
      path: '/api/v1/texts/{name}',
      summary: 'One text: what is in force, its variables and its versions',
      params: Name,
      answers: {
        200: {
          description: 'Versions: the newest first, none where our own schema is not installed',
          schema: z.object({
            texts: z.array(StateBody),
            variables: z.array(VariableBody),
            versions: z.array(VersionBody),
          }),
        },
      },
      async handle({ params: { name } }) {
        const { states } = await texts.states();
        const isKept = (await context.history.missing()) === undefined;
        const versions = isKept ? await texts.versions(name, VERSIONS_LISTED) : [];
        const variables = Object.entries(CUSTOMER_TEXTS[name].variables).map(([variable, one]) => ({
          name: variable,
          meaning: one.meaning.en,
          required: one.isRequired ?? false,
          optional: one.isOptional ?? false,
        }));
        return {
          status: 200,
          body: {
            texts: states.filter((state) => state.name === name).map(stateBody),
            variables,
            versions: versions.map(({ at, by, locale: language, text, version: number }) => ({
              ...{ locale: language, version: number, saved_by: by, saved_at: at.toISOString() },
              ...(text !== undefined && { text }),
            })),
          },
        };
      },
    }),
    apiRoute({
      ...about,
      id: 'saveText',
      method: 'POST',
      path: '/api/v1/texts/{name}',
      summary: 'Put a text in place of the built-in one',
      description: 'One that Telegram would not take, or that names what is not known, is refused with what to do.',
      params: Name,
      body: z.strictObject({
        locale,
        text: written,
        after: version.optional().describe('The version that it is made from; saved only while that is the newest'),
      }),
      problems: ['conflict', 'makes-no-sense'],
      answers: { 200: { description: 'It is in force', schema: Saved } },
      async handle({ body: { after, ...proposed }, params: { name } }, { audit, caller }) {
        const saved = await saveText(context, { ...proposed, name, after, by: caller });
        await audit({ action: 'text.saved', entityType: 'text', ...saved.about });
        return { status: 200, body: { version: saved.version } };
      },
    }),
    apiRoute({
      ...about,
      id: 'previewText',
      method: 'POST',
      path: '/api/v1/texts/{name}/preview',
      summary: 'A text as customers would read it',
      params: Name,
      body: z.strictObject({ locale, text: written }),
      problems: ['makes-no-sense'],
      answers: {
        200: {
          description: 'For customers with names of every kind; the last is one of whom the least is known',
          schema: z.object({ samples: z.array(z.object({ username: z.string(), text: z.string() })) }),
        },
      },
      async handle({ body, params: { name } }) {
        const proposed = { ...body, name };
        assertSound(context, proposed);
        return { status: 200, body: { samples: [...texts.preview(proposed)] } };
      },
    }),
    apiRoute({
      ...about,
      id: 'restoreText',
      method: 'POST',
      path: '/api/v1/texts/{name}/restore',
      summary: 'Take a text back to an earlier version, or to the built-in one',
      params: Name,
      body: z.strictObject({
        locale,
        version: version.optional().describe('Absent: the file of TEXTS_DIR holds again, else the built-in text'),
      }),
      problems: ['conflict', 'makes-no-sense', 'not-found'],
      answers: { 200: { description: 'It is in force', schema: Saved } },
      async handle({ body, params: { name } }, { audit, caller }) {
        const restored = await restoreText(context, { ...body, name, by: caller });
        await audit({ action: 'text.restored', entityType: 'text', ...restored.about });
        return { status: 200, body: { version: restored.version } };
      },
    }),
  ];
}

type Change = { name: TextName; locale: 'en' | 'ru'; by: string };
type Changed = { version: number; about: { entityId: string; details: Readonly<Record<string, unknown>> } };

/** Saves a text that is sound. Throws a `Problem` where it is not, or where somebody saved another one meanwhile. */
export async function saveText(
  context: Pick<HttpContext, 'history' | 'texts'>,
  { after, by, ...proposed }: Change & { text: string; after?: number | undefined },
): Promise<Changed> {
  await keptHistory(context);
  assertSound(context, proposed);
  const version = await context.texts.save({ ...proposed, by, after });
  if (version === undefined)
    throw new Problem(
      'conflict',
      `Somebody has saved another version of ${proposed.name} meanwhile: look at it first.`,
    );
  return changed(proposed, version);
}

/** Puts an earlier version in force again, as a new one; without `version` the text is taken back. */
export async function restoreText(
  context: Pick<HttpContext, 'history' | 'texts'>,
  { by, locale: language, name, version: wanted }: Change & { version?: number | undefined },
): Promise<Changed> {
  await keptHistory(context);
  const about = { name, locale: language };
  let text: string | undefined;
  if (wanted !== undefined) {
    const found = await context.texts.find(name, language, wanted);
    if (!found) throw new Problem('not-found', `${name} has no version ${wanted} in ${language}.`);
    text = found.text;
    if (text !== undefined) assertSound(context, { ...about, text });
  }
  const version = await context.texts.save({ ...about, text, by });
  if (version === undefined) throw new Problem('conflict', `Somebody saved ${name} at this moment: try again.`);
  return changed({ ...about, text }, version, wanted);
}

const changed = (
  { locale: language, name, text }: { name: TextName; locale: string; text?: string | undefined },
  version: number,
  from?: number,
): Changed => ({
  version,
  about: {
    entityId: name,
    details: { locale: language, version, ...(text === undefined && { taken_back: true }), ...(from && { from }) },
  },
});

function assertSound(
  { texts }: Pick<HttpContext, 'texts'>,
  proposed: { name: TextName; locale: 'en' | 'ru'; text: string },
): void {
  const why = texts.whyWrong(proposed, 'en');
  if (why === undefined) return;
  throw new Problem('makes-no-sense', `text ${why}`, { errors: [{ pointer: '/text', detail: why }] });
}

function stateBody({ file, from, locale: language, name, text, version: newest, why }: TextState) {
  const builtIn = CUSTOMER_TEXTS[name].builtIn[language];
  return {
    ...{ name, locale: language, from },
    text: text ?? builtIn,
    built_in: builtIn,
    version: newest?.version ?? 0,
    ...(newest && { saved_by: newest.by, saved_at: newest.at.toISOString() }),
    ...(file && { file: file.file }),
    ...(why !== undefined && { why }),
  };
}
