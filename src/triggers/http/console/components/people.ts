import { tokenNameOf } from '../../../../lib/initiator.ts';

/** An initiator as people read it: a person's name alone, and every other initiator as it is. */
export const personOf = (initiator: string): string => tokenNameOf(initiator) ?? initiator;
