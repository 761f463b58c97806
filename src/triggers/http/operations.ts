import type { FastifyInstance } from 'fastify';
import { registerApi } from './api/routes.ts';
import { Guard } from './auth/guard.ts';
import type { HttpContext } from './context.ts';
import { readJsonModestly } from './json-body.ts';
import { registerPage } from './page/register-page.ts';
import { refuseBadTexts } from './refuse-bad-texts.ts';

/** Registers everything that needs a token or a login. */
export function registerOperations(server: FastifyInstance, context: HttpContext): void {
  const guard = new Guard(context);
  void server.register((scope, _options, done) => {
    // By default Fastify reads plain text too.
    scope.removeContentTypeParser('text/plain');
    readJsonModestly(scope);
    refuseBadTexts(scope);
    registerApi(scope, context, guard);
    registerPage(scope, context, guard);
    // Loaded only where there is a token: the board's packages take 10 MB.
    void scope.register((board, _boardOptions, boardDone) => {
      import('./queue-board.ts')
        .then(({ registerQueueBoard }) => registerQueueBoard(board, context, guard))
        .then(() => boardDone(), boardDone);
    });
    done();
  });
}
