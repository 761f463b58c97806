import { z } from 'zod';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute } from './route.ts';

const UserBody = z.object({
  panel_user: z.string(),
  username: z.string(),
  sentences: z.array(z.string()).describe('One decision each, with its reason'),
});

export function userRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'explainUser',
      method: 'GET',
      path: '/api/v1/users/{who}/explanation',
      tag: 'Users',
      needs: 'support',
      summary: 'Why a customer did or did not get which notice, was or was not disabled',
      params: z.object({ who: line(100).describe('Telegram id or username') }),
      answers: {
        200: {
          description: 'Every panel user that this can be',
          schema: z.object({ users: z.array(UserBody) }),
        },
      },
      problems: ['not-found'],
      async handle({ params: { who } }) {
        const found = await context.explainUser(who);
        if (found.length === 0)
          throw new Problem('not-found', `The panel has no user with Telegram id or name '${who}'.`);
        const users = found.map(({ panelUser, sentences, username }) => ({
          panel_user: panelUser,
          username,
          sentences: [...sentences],
        }));
        return { status: 200, body: { users } };
      },
    }),
  ];
}
