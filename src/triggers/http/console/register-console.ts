import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { seconds } from '../../../lib/duration.ts';
import { type Html, html, join } from '../../../lib/html.ts';
import { issueInWords, issuesInWords } from '../../../lib/issue-in-words.ts';
import type { Guard } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { BELL, bellCount, drawBell } from './bell.ts';
import { admittedDeed, type DeedAnswer, doDeed, formOf, partials } from './deeds.ts';
import type { ConsoleView } from './define-view.ts';
import { type AnyAsked, drawParts, partsFor } from './draw-parts.ts';
import { answerError, type ErrorAnswer } from './error-page.ts';
import { drawForm, type FormBody, type FormState } from './forms.ts';
import { chosen, keepChoices, linkTo, pageOf, RESERVED } from './page-of.ts';
import { keepReceipt, takeReceipt } from './receipt-cookie.ts';
import { sendPage } from './send-page.ts';
import { consolePage, receiptLine, type Shell } from './shell.ts';

/** A form without a limit of its own. */
const FORM_BYTES = 65_536;
/** The signal of a request fires after this. */
const REQUEST_LIMIT_MS = seconds(20);

/** Which parts the browser has, as `name=hash`, when it asks for fresh ones. */
const PARTS_HEADER = 'x-parts';

/** Registers all views for people who are logged in. */
export function registerConsole(server: FastifyInstance, context: HttpContext, guard: Guard, shell: Shell): void {
  void server.register((scope, _options, done) => {
    const answer: ErrorAnswer = (error, request, reply) => answerError(error, request, reply, { context, shell });
    guard.closeToStrangers(scope, 'owner', answer);
    scope.setErrorHandler(answer);
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) =>
      parsed(null, formBody(body as string)),
    );
    for (const view of shell.views) registerView(scope, view, context, shell);
    done();
  });
}

function registerView(scope: FastifyInstance, view: ConsoleView, context: HttpContext, shell: Shell): void {
  const config = { needs: view.needs };
  const asking = (request: FastifyRequest, state?: FormState): AnyAsked => askedOf(view, context, request, state);

  scope.get(view.path, { config }, async (request, reply) => {
    const seen = request.headers[PARTS_HEADER];
    if (typeof seen === 'string') return await answerParts(view, context, asking(request), { reply, request, seen });
    const choices = chosen(request);
    if (choices.length === 0)
      return await answerWhole(view, context, { asked: asking(request), reply, request, shell });
    keepChoices(choices, reply, context);
    return reply.redirect(linkTo(request, {}), 303);
  });

  const deeds = Object.values(view.deeds);
  if (deeds.length === 0) return;
  const bodyLimit = Math.max(FORM_BYTES, ...deeds.map(({ bodyBytes }) => bodyBytes ?? 0));
  scope.post(view.path, { config, bodyLimit }, async (request, reply) => {
    const body = (request.body ?? {}) as FormBody;
    const deed = admittedDeed(view, body, request.caller!);
    const answer = await doDeed(deed, context, { asked: asking(request), body, request });
    const isScript = request.headers['hx-request'] === 'true';
    return isScript
      ? await answerScript(view, context, { answer, asked: asking(request), reply, request })
      : await answerBrowser(view, context, { answer, asking, reply, request, shell });
  });
}

/** A name that comes twice has a list. */
function formBody(text: string): FormBody {
  const params = new URLSearchParams(text);
  return Object.fromEntries([...new Set(params.keys())].map((name) => [name, oneOrAll(params.getAll(name))]));
}

const oneOrAll = (values: readonly string[]): string | readonly string[] => (values.length === 1 ? values[0]! : values);

/** The address and its query, parsed. Throws a `Problem`: 404 for parameters that name nothing, 400 for filters that do not fit. */
function askedOf(view: ConsoleView, context: HttpContext, request: FastifyRequest, state?: FormState): AnyAsked {
  const given = Object.entries(request.query as Record<string, unknown>);
  // An empty field of a filter form means that it does not filter.
  const query = Object.fromEntries(given.filter(([name, value]) => !RESERVED.has(name) && value !== ''));
  const page = pageOf(request, context, {
    texts: view.texts,
    form(name, options, drawnOn) {
      const deed = view.deeds[name]!;
      if (!drawnOn.may(deed.needs)) return html``;
      return drawForm({
        address: linkTo(request, {}),
        deed,
        form: formOf(deed, context, asked),
        name,
        options,
        page: drawnOn,
        state,
      });
    },
  });
  const shared = new Map<string, Promise<unknown>>();
  const asked: AnyAsked = {
    params: readPart(view.params, request.params, 'not-found'),
    query: readPart(view.query, query, 'bad-request'),
    page,
    signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    once<T>(name: string, read: () => Promise<T>): Promise<T> {
      const found = shared.get(name) ?? read();
      shared.set(name, found);
      return found as Promise<T>;
    },
  };
  return asked;
}

function readPart(schema: z.ZodObject | undefined, value: unknown, kind: 'not-found' | 'bad-request'): unknown {
  const parsed = (schema ?? NOTHING).safeParse(value, { error: issueInWords });
  if (parsed.success) return parsed.data;
  const issues = issuesInWords(parsed.error.issues).map(({ message, path }) => [...path, message].join(': '));
  throw new Problem(kind, issues.join('; '));
}

const NOTHING = z.object({});

type Sending = { reply: FastifyReply; request: FastifyRequest };

async function answerWhole(
  view: ConsoleView,
  context: HttpContext,
  { asked, reply, request, shell }: Sending & { asked: AnyAsked; shell: Shell },
): Promise<FastifyReply> {
  const [parts, count] = await Promise.all([
    drawParts(partsFor(view, asked), context, asked),
    bellCount(context, asked.page),
  ]);
  const content = join(
    parts.map(({ section }) => section),
    '',
  );
  return await answerPage(content, {
    asked,
    count,
    receipt: takeReceipt(request, reply, context),
    reply,
    request,
    shell,
    view,
  });
}

type Shown = Sending & {
  asked: AnyAsked;
  count: number | undefined;
  receipt?: string | undefined;
  shell: Shell;
  view: ConsoleView;
};

async function answerPage(content: Html, shown: Shown): Promise<FastifyReply> {
  const { asked, count, receipt, reply, request, shell, view } = shown;
  const { page, params } = asked;
  const heading = view.heading?.(params as Record<string, string>, page.locale) ?? page.say('title');
  const bell = drawBell(count, page).section;
  const poll = linkTo(request, {});
  const text = consolePage(shell, { path: view.path, heading, content, bell, count, receipt, poll }, page);
  return await sendPage(text, reply, request);
}

/** Only parts that the browser shows and that look different from what it has; 204 where there are none. */
async function answerParts(
  view: ConsoleView,
  context: HttpContext,
  asked: AnyAsked,
  { reply, request, seen }: Sending & { seen: string },
): Promise<FastifyReply> {
  const pieces = await freshParts(view, context, asked, seen);
  return pieces.length === 0 ? reply.code(204).send() : await sendPage(partials(pieces), reply, request);
}

async function freshParts(view: ConsoleView, context: HttpContext, asked: AnyAsked, seen: string) {
  const hashes = new Map(seen.split(',').map((pair) => pair.split('=') as [string, string]));
  const parts = partsFor(view, asked, new Set(hashes.keys()));
  const [drawn, count] = await Promise.all([
    drawParts(parts, context, asked),
    hashes.has(BELL) ? bellCount(context, asked.page) : undefined,
  ]);
  const all = hashes.has(BELL) ? [...drawn, drawBell(count, asked.page)] : drawn;
  return all
    .filter(({ hash, name }) => hashes.get(name) !== hash)
    .map(({ name, section }) => ({ target: name, swap: 'outerMorph', content: section }) as const);
}

/** The script has the page: it gets the form with what is wrong, the question, or the receipt with the parts that changed. */
async function answerScript(
  view: ConsoleView,
  context: HttpContext,
  { answer, asked, reply, request }: Sending & { answer: DeedAnswer; asked: AnyAsked },
): Promise<FastifyReply> {
  const closed = { target: 'ask-body', swap: 'innerHTML', content: html`<!-- -->` } as const;
  if (answer.kind === 'invalid')
    return await sendPage(
      partials([closed, { target: answer.state.id, swap: 'outerMorph', content: answer.form }]),
      reply.code(422),
      request,
    );
  if (answer.kind === 'question')
    return await sendPage(
      partials([{ target: 'ask-body', swap: 'innerHTML', content: answer.question }]),
      reply,
      request,
    );
  const { done, form, id } = answer;
  if (done.goTo !== undefined) {
    keepReceipt(done.receipt, reply, context);
    return reply.header('hx-redirect', done.goTo).send();
  }
  const parts = await freshParts(view, context, asked, String(request.headers[PARTS_HEADER] ?? ''));
  const toast = { target: 'toast', swap: 'innerHTML', content: receiptLine(done.receipt) } as const;
  return await sendPage(
    partials([closed, toast, ...parts, { target: id, swap: 'outerHTML', content: form }]),
    reply,
    request,
  );
}

/** Without the script each answer is a page, and what was done leads to a page that can be loaded again. */
async function answerBrowser(
  view: ConsoleView,
  context: HttpContext,
  {
    answer,
    asking,
    reply,
    request,
    shell,
  }: Sending & { answer: DeedAnswer; asking(request: FastifyRequest, state?: FormState): AnyAsked; shell: Shell },
): Promise<FastifyReply> {
  if (answer.kind === 'done') {
    keepReceipt(answer.done.receipt, reply, context);
    return reply.redirect(answer.done.goTo ?? linkTo(request, {}), 303);
  }
  if (answer.kind === 'invalid')
    return await answerWhole(view, context, {
      asked: asking(request, answer.state),
      reply: reply.code(422),
      request,
      shell,
    });
  const asked = asking(request);
  const { page } = asked;
  const count = await bellCount(context, page);
  const content = html`<section class="card" aria-label="${page.say('sure')}">${answer.question}</section>`;
  return await answerPage(content, { asked, count, reply, request, shell, view });
}
