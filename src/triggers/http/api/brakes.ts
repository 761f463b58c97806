import { z } from 'zod';
import { line } from '../../text-fields.ts';
import type { Act, HeldBrake, HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { BrakeBody } from './schemas.ts';

export function brakeRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'listBrakes',
      method: 'GET',
      path: '/api/v1/brakes',
      tag: 'Brakes',
      needs: 'view',
      summary: 'What is held until an admin decides',
      answers: { 200: { description: 'All that is held', schema: z.object({ brakes: z.array(BrakeBody) }) } },
      async handle() {
        const brakes = (await context.brakes.list()).map(({ held, list, messagesDueBefore: _, since, ...others }) => ({
          ...others,
          held: held.en,
          ...(since && { since: since.toISOString() }),
          ...(list && {
            list: {
              export_id: list.exportId,
              rows: list.rows,
              at: list.at.toISOString(),
              expires_at: list.expiresAt.toISOString(),
            },
          }),
        }));
        return { status: 200, body: { brakes } };
      },
    }),
    apiRoute({
      id: 'confirmBrake',
      method: 'POST',
      path: '/api/v1/brakes/{name}/confirm',
      tag: 'Brakes',
      needs: 'admin',
      summary: 'Decide about what is held',
      params: z.object({ name: line(100).describe('The brake') }),
      body: z.object({ decision: z.string().min(1).max(50).describe('One of the `decisions` of the brake') }),
      answers: {
        200: { description: 'What was done', schema: z.object({ name: z.string(), done: z.string() }) },
      },
      problems: ['not-found'],
      async handle({ params: { name }, body: { decision } }, { audit }) {
        const { act, done } = await decideBrake(context, name, decision);
        await audit(act);
        return { status: 200, body: { name, done } };
      },
    }),
  ];
}

/** Decides about what is held, and returns the act for the audit trail. Throws a `Problem` where nothing is held, or not for that decision. */
export async function decideBrake(
  context: HttpContext,
  name: string,
  decision: string,
): Promise<{ act: Act; done: string; held: HeldBrake }> {
  const held = (await context.brakes.list()).find((brake) => brake.name === name);
  if (!held) throw new Problem('not-found', `Nothing is held under the name '${name}'.`);
  if (!held.decisions.includes(decision)) {
    const detail = `must be ${held.decisions.join(' or ')}`;
    throw new Problem('bad-request', `decision: ${detail}`, { errors: [{ pointer: '/decision', detail }] });
  }
  const done = await context.brakes.confirm(name, decision);
  const details = { decision, held: held.held.en, done };
  return { act: { action: 'brake.confirmed', entityType: 'brake', entityId: name, details }, done, held };
}
