import { beforeAll, describe, expect, test } from 'vitest';
import { loadTasks, type TaskRegistry } from '../../../runtime/registry.ts';
import { payloadForm } from './payload-form.ts';

describe('the form of a payload', () => {
  let registry: TaskRegistry;
  beforeAll(async () => {
    registry = await loadTasks();
  });

  test('has a field for each field of every task, and what is needed is marked', () => {
    for (const task of registry.tasks) {
      const { fields } = payloadForm(task);
      expect(Object.keys(fields), task.name).toEqual(Object.keys(task.payload.shape));
      // A scheduled task runs with nothing filled in.
      if (task.schedule)
        expect(
          Object.values(fields).some((field) => field?.required),
          task.name,
        ).toBe(false);
    }
  });

  test('asks for each value in the way that fits it', () => {
    const { fields } = payloadForm(registry.get('execute_bulk_user_operation').task);
    expect(fields).toMatchObject({
      operation: {
        kind: 'choice',
        required: true,
        options: expect.arrayContaining([{ value: 'disable', label: { en: 'disable', ru: 'disable' } }]),
      },
      user_uuids: { kind: 'lines' },
    });
  });
});
