import type { FastifyRequest } from 'fastify';
import { reaches } from '../../../lib/api-role.ts';
import { PermanentError, TransientError } from '../../../lib/errors.ts';
import { type Html, html, join } from '../../../lib/html.ts';
import { said } from '../../../lib/said.ts';
import { PayloadError } from '../../../runtime/payload-error.ts';
import { auditedCaller } from '../auth/audited-caller.ts';
import type { Caller } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import type { AnyDeed, ConsoleView, Done, FormOf, Wish } from './define-view.ts';
import type { AnyAsked } from './draw-parts.ts';
import { drawForm, type FormBody, type FormState, formId, OWN, readForm, sentAlong, typedIn } from './forms.ts';

/** How a wish was answered. */
export type DeedAnswer =
  /** Something that was typed does not fit, or it was refused: the form says so, and keeps what was typed. */
  | { kind: 'invalid'; state: FormState; form: Html }
  /** It waits for a yes. */
  | { kind: 'question'; sentence: string; question: Html }
  /** It was done. `form` is the form as it was at first. */
  | { kind: 'done'; done: Done; form: Html; id: string };

type NamedDeed = { name: string; deed: AnyDeed };

/** The fields of a deed at this address. */
export const formOf = ({ form }: AnyDeed, context: HttpContext, asked: AnyAsked): FormOf | undefined =>
  typeof form === 'function' ? form(context, asked) : form;

/** The deed that a form names. Throws a `Problem` for one that is not of this view, or that the caller may not do. */
export function admittedDeed({ deeds }: ConsoleView, body: FormBody, { role }: Caller): NamedDeed {
  const name = typedIn(body)[OWN.deed] ?? '';
  const deed = Object.hasOwn(deeds, name) ? deeds[name] : undefined;
  if (!deed) throw new Problem('bad-request', `There is no act '${name}' in this view.`);
  if (!reaches(role, deed.needs)) throw new Problem('forbidden', `This needs the role ${deed.needs}.`);
  return { name, deed };
}

/** Does what a form asks for. */
export async function doDeed(
  { deed, name }: NamedDeed,
  context: HttpContext,
  { asked, body, request }: { asked: AnyAsked; body: FormBody; request: FastifyRequest },
): Promise<DeedAnswer> {
  const form = formOf(deed, context, asked);
  const typed = typedIn(body, form);
  const id = formId(name, typed[OWN.key] ?? '');
  const drawn = (state: FormState | undefined): Html =>
    drawForm({ ...sent(name, deed, form, body), address: asked.page.link({}), page: asked.page, state });
  const invalid = (errors: FormState['errors'], problem?: string): DeedAnswer => {
    const state = { id, values: typed, errors, problem };
    return { kind: 'invalid', state, form: drawn(state) };
  };
  const read = readForm(form, body, asked.page);
  if (read.errors) return invalid(read.errors);
  const wish: Wish<unknown, unknown, unknown, string, string> = {
    ...asked,
    form: read.value,
    caller: request.caller!,
    request,
    audit: (act) => context.audit({ ...act, ...auditedCaller(request) }),
  };
  try {
    const asks = typed[OWN.sure] === undefined ? await deed.ask?.(context, wish) : undefined;
    if (asks !== undefined) {
      const { sent = {}, sentence } = typeof asks === 'string' ? { sentence: asks } : asks;
      return { kind: 'question', sentence, question: questionOf(sentence, deed, { ...body, ...sent }, asked) };
    }
    const done = await deed.run(context, wish);
    if (done.act !== 'recorded') await wish.audit(done.act);
    const receipt = said(done.receipt, asked.page.locale);
    return { kind: 'done', done: { ...done, receipt }, form: drawn(undefined), id };
  } catch (error) {
    if (error instanceof PayloadError)
      return invalid(Object.fromEntries(error.issues.map(({ message, path }) => [path.split('.')[0]!, message])));
    if (error instanceof PermanentError || error instanceof TransientError) return invalid({}, error.message);
    throw error;
  }
}

/** What a form sent along besides its fields, so that it can be drawn again. */
function sent(name: string, deed: AnyDeed, form: FormOf | undefined, body: FormBody) {
  const typed = typedIn(body);
  const own: ReadonlySet<string> = new Set(Object.values(OWN));
  const hidden = Object.entries(typed).filter(([field]) => !own.has(field) && !form?.fields[field]);
  const about = typed[OWN.about];
  return {
    name,
    deed,
    form,
    options: { hidden: Object.fromEntries(hidden), key: typed[OWN.key] ?? '', ...(about !== undefined && { about }) },
  };
}

function questionOf(sentence: string, deed: AnyDeed, body: FormBody, { page }: AnyAsked): Html {
  const address = page.link({});
  return html`<p id="ask-text">${sentence}</p><div class="actions"><form method="post" action="${address}" hx-post="${address}">${sentAlong({ ...body, [OWN.sure]: 'yes' })}<button class="${deed.tone ?? 'primary'}">${page.say(deed.label)}</button></form><form method="dialog"><a class="button plain" href="${address}" data-close>${page.say('back')}</a></form></div>`;
}

/** Pieces that the script puts in their places. */
export function partials(
  pieces: readonly { target: string; swap: 'outerMorph' | 'outerHTML' | 'innerHTML'; content: Html }[],
): string {
  return join(
    pieces.map(
      ({ content, swap, target }) => html`<hx-partial hx-target="#${target}" hx-swap="${swap}">${content}</hx-partial>`,
    ),
    '',
  ).toString();
}
