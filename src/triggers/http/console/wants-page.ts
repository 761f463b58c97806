import type { FastifyRequest } from 'fastify';

/** Whether a person looks at the answer. */
export const wantsPage = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/html') ?? false;
