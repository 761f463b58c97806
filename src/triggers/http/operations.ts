import type { FastifyInstance } from 'fastify';
import { loadPart } from '../../lib/load-part.ts';
import { registerApi } from './api/routes.ts';
import { Guard } from './auth/guard.ts';
import { answerError, type ErrorAnswer } from './console/error-page.ts';
import { loadViews } from './console/load-views.ts';
import { registerLogin } from './console/login.ts';
import { registerConsole } from './console/register-console.ts';
import { serveAssets } from './console/serve-assets.ts';
import type { Shell } from './console/shell.ts';
import type { HttpContext } from './context.ts';
import { readJsonModestly } from './json-body.ts';
import { refuseBadTexts } from './refuse-bad-texts.ts';

/** Registers everything that needs a token or a login. Returns how errors of addresses that are no route are told to people. */
export function registerOperations(server: FastifyInstance, context: HttpContext): ErrorAnswer {
  const guard = new Guard(context);
  const shell: Shell = {
    views: [],
    assets: serveAssets(server),
    version: context.version,
    timeZone: context.timeZone,
  };
  void server.register((scope, _options, done) => {
    // By default Fastify reads plain text too.
    scope.removeContentTypeParser('text/plain');
    readJsonModestly(scope);
    refuseBadTexts(scope);
    registerApi(scope, context, guard, shell.assets);
    registerLogin(scope, context, guard, shell.assets);
    void scope.register((console, _consoleOptions, consoleDone) => {
      loadViews()
        .then((views) => {
          shell.views = views;
          registerConsole(console, context, guard, shell);
        })
        .then(() => consoleDone(), consoleDone);
    });
    // Loaded only where there is a token: the board's packages take 10 MB.
    void scope.register((board, _boardOptions, boardDone) => {
      loadPart('The board of queues', () => import('./queue-board.ts'))
        .then(({ registerQueueBoard }) => registerQueueBoard(board, context, guard))
        .then(() => boardDone(), boardDone);
    });
    done();
  });
  return async (error, request, reply) => {
    await guard.recognise(request).catch(() => undefined);
    return await answerError(error, request, reply, { context, shell });
  };
}
