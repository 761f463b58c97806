import type { FastifyReply, FastifyRequest } from 'fastify';
import { html } from '../../../lib/html.ts';
import { said } from '../../../lib/said.ts';
import type { HttpContext } from '../context.ts';
import { answerProblem, loggedProblem, PROBLEMS, type ProblemKind } from '../problem.ts';
import { bellCount, drawBell } from './bell.ts';
import { partials } from './deeds.ts';
import { pageOf } from './page-of.ts';
import { sendPage } from './send-page.ts';
import { consolePage, receiptLine, type Shell } from './shell.ts';
import { wantsPage } from './wants-page.ts';
import type { CommonWord } from './words.ts';

export type ErrorAnswer = (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Errors that a person can meet by an address, and their headings. */
const HEADINGS: Readonly<Partial<Record<ProblemKind, CommonWord>>> = {
  'not-found': 'nothingHere',
  'unknown-task': 'nothingHere',
  forbidden: 'notAllowed',
};

/** Answers an error as a page of the console, to the script as a line above the page, and to programs as a problem. */
export async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { context, shell }: { context: HttpContext; shell: Shell },
): Promise<FastifyReply> {
  if (!wantsPage(request)) return answerProblem(error, request, reply, context.log);
  const problem = loggedProblem(error, request, context.log);
  const page = pageOf(request, context, { texts: {}, form: () => html`` });
  reply.code(PROBLEMS[problem.kind].status).headers(problem.headers);
  if (request.headers['hx-request'] === 'true') {
    const content = receiptLine(`${page.say('error')}: ${said(problem.message, page.locale)}`, 'bad');
    return await sendPage(partials([{ target: 'toast', swap: 'innerHTML', content }]), reply, request);
  }
  const word = HEADINGS[problem.kind] ?? 'error';
  const count = request.caller ? await bellCount(context, page) : 0;
  const content = html`<section class="card" aria-label="${page.say(word)}"><p>${
    word === 'nothingHere' ? html`${page.say('nothingHereHint')} ` : ''
  }<span class="muted">${said(problem.message, page.locale)}</span></p><p><a href="/">${page.say('toStart')}</a></p></section>`;
  const text = consolePage(
    shell,
    { heading: page.say(word), content, bell: drawBell(count, page).section, count },
    page,
  );
  return await sendPage(text, reply, request);
}
