import type * as z from 'zod';

/** A mark for the compiler alone that only `defineTask` sets, so that a literal with a name and a payload is not a task. */
declare const DEFINED: unique symbol;

/** A task from `defineTask`, with the fields that are needed to enqueue it with a payload that the compiler checks. */
export type DefinedTask<P extends z.ZodObject = z.ZodObject> = {
  readonly name: string;
  readonly payload: P;
  readonly [DEFINED]: true;
};
