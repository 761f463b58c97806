import { misspelt } from '../../config.ts';
import { strayOverrides } from '../../runtime/scheduler.ts';
import type { Examination } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { counted, ok, warning } from './findings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Finds mistakes in a valid configuration. (An invalid one stops every command, with all its problems at once.) */
export function configurationExaminations({ config, disabledTasks, registry }: App, env: Env): readonly Examination[] {
  return [
    {
      group: 'Configuration',
      name: 'Environment',
      advice: 'see docs/configuration.md',
      async examine() {
        const schedules = strayOverrides({ overrides: config.schedules, registry }).map(({ meant, task }) => ({
          name: `SCHEDULE_${task.toUpperCase()}`,
          meant: meant.map((near) => `SCHEDULE_${near.toUpperCase()}`),
        }));
        const wrong = [...misspelt(env), ...schedules];
        if (wrong.length === 0) return ok('valid');
        const texts = wrong.map(
          ({ meant, name }) => `${name}${meant.length > 0 ? ` (did you mean ${meant.join(' or ')}?)` : ''}`,
        );
        return warning(`nothing here reads ${texts.join(', ')}`, 'correct the names, or remove them');
      },
    },
    {
      group: 'Configuration',
      name: 'Tasks',
      advice: 'see docs/configuration.md',
      async examine() {
        const off = [...disabledTasks];
        if (off.length === 0) return ok(`${registry.tasks.length}, none is switched off`);
        return ok(`${registry.tasks.length}, of which DISABLED_TASKS switches off ${off.join(', ')}`);
      },
    },
    {
      group: 'Configuration',
      name: 'API',
      advice: 'see docs/configuration.md',
      async examine() {
        if (config.API_TOKENS.length === 0) return ok('off, as is the console: API_TOKENS is not set');
        if (config.PUBLIC_URL === undefined)
          return warning(
            `on, with ${counted(config.API_TOKENS.length, 'token')}; PUBLIC_URL is not set, so exports come without a link`,
            'set PUBLIC_URL to where people reach this service',
          );
        return ok(`on, with ${counted(config.API_TOKENS.length, 'token')}`);
      },
    },
  ];
}
