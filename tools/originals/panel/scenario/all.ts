import { bulk } from './bulk.ts';
import { changing } from './changing.ts';
import { reading } from './reading.ts';
import { type GenerationHere, Keys, type Step } from './steps.ts';
import { scopes, system } from './system.ts';
import { transport } from './transport.ts';

/** What is played, by the name of its record; one after another on one panel. */
export function SCENARIOS(generation: GenerationHere): Record<string, Step[]> {
  const keys = new Keys(generation);
  return {
    transport: transport(),
    reading: reading(keys),
    changing: changing(keys),
    bulk: bulk(keys),
    ...(generation === 3 && { scopes: scopes() }),
    system: system(keys),
  };
}
