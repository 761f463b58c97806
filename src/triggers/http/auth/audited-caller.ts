import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { loginInitiator } from '../../../lib/initiator.ts';
import type { AuditedAct } from '../context.ts';
import { addressOf } from './address.ts';
import type { Caller } from './guard.ts';

/** A header may be as long as all of them together. */
const AGENT_SHOWN = 300;

/** The initiator of what a request does. */
export const callerOf = (caller: Caller | undefined): string => (caller ? loginInitiator(caller.name) : 'signed link');

/** The sender of this request with its address and a digest of the body, for the audit trail. */
export function auditedCaller(
  request: FastifyRequest,
  caller: Caller | undefined = request.caller,
): Pick<AuditedAct, 'address' | 'agent' | 'by' | 'payloadDigest' | 'role'> {
  return {
    by: callerOf(caller),
    role: caller?.role,
    address: addressOf(request),
    agent: request.headers['user-agent']?.slice(0, AGENT_SHOWN),
    payloadDigest: digestOf(request.body),
  };
}

/** The body itself may hold what is private; its digest shows later whether a payload that somebody has is the one. */
function digestOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}
