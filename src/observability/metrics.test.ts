import { AggregatorRegistry, type MetricObject } from 'prom-client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { OutageSnooze, PermanentError } from '../lib/errors.ts';
import { Metrics } from './metrics.ts';
import { SERIES } from './series.ts';

const aWorker = (role = 'worker') => new Metrics({ version: '1.2.3', role });
const lines = async (metrics: Metrics, name: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name));
const soon = { delaySeconds: 0, stuckAfterMs: 1_000_000 };

describe('a task', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = aWorker();
  });

  test('is visible before it has run, with its queue', async () => {
    metrics.tasksKnown([{ name: 'sync_user_stats', queue: 'sync' }]);
    expect(await lines(metrics, 'taskiq_task_total')).toEqual([
      'taskiq_task_total{task_name="sync_user_stats",status="success"} 0',
      'taskiq_task_total{task_name="sync_user_stats",status="error"} 0',
    ]);
    expect(await lines(metrics, 'cybervpn_task_info')).toEqual([
      'cybervpn_task_info{task_name="sync_user_stats",queue="sync"} 1',
    ]);
    // To existing rules, a series of this metric that does not move is a worker that does nothing.
    expect(await lines(metrics, 'taskiq_tasks_total{')).toEqual([]);
  });

  test('that runs past what it may is stuck, until it ends', async () => {
    metrics.tasksKnown([{ name: 'calm', queue: 'sync' }]);
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const stuck = metrics.taskStarted('wild', { delaySeconds: 0, stuckAfterMs: 330_000 });
      const other = metrics.taskStarted('wild', { delaySeconds: 0, stuckAfterMs: 3_600_000 });
      vi.advanceTimersByTime(331_000);
      expect(await lines(metrics, 'cybervpn_tasks_stuck')).toEqual([
        'cybervpn_tasks_stuck{task_name="calm"} 0',
        'cybervpn_tasks_stuck{task_name="wild"} 1',
      ]);
      expect(await lines(metrics, 'cybervpn_task_longest_run_seconds')).toEqual([
        'cybervpn_task_longest_run_seconds{task_name="wild"} 331',
      ]);
      expect(metrics.taskEnded(stuck, 'success')).toBe(331);
      metrics.taskEnded(other, 'success');
      expect(await lines(metrics, 'cybervpn_tasks_stuck')).toEqual(['cybervpn_tasks_stuck{task_name="calm"} 0']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('counts as finished only for good; a retry is an error that is counted, not an end', async () => {
    metrics.taskEnded(metrics.taskStarted('t', soon), 'retry', new PermanentError('panel_timeout', 'late'));
    metrics.taskEnded(metrics.taskStarted('t', soon), 'snoozed');
    metrics.taskEnded(metrics.taskStarted('t', soon), 'success');
    expect(await lines(metrics, 'taskiq_tasks_total{')).toEqual([
      'taskiq_tasks_total{task_name="t",status="success"} 1',
    ]);
    expect(await lines(metrics, 'taskiq_task_errors_total{')).toEqual([
      'taskiq_task_errors_total{task_name="t",error_type="panel_timeout"} 1',
    ]);
    expect(await lines(metrics, 'taskiq_task_retries_total{')).toEqual(['taskiq_task_retries_total{task_name="t"} 1']);
    expect(await lines(metrics, 'taskiq_tasks_in_progress{')).toEqual(['taskiq_tasks_in_progress{task_name="t"} 0']);
  });

  test('that fails for want of Redis has an error type that existing rules look for', async () => {
    const away = Object.assign(new Error('Reached the max retries'), { name: 'MaxRetriesPerRequestError' });
    metrics.taskEnded(metrics.taskStarted('t', soon), 'error', away);
    metrics.taskEnded(
      metrics.taskStarted('t', soon),
      'snoozed',
      new OutageSnooze('t: away', { delayMs: 1, cause: away }),
    );
    const [line] = await lines(metrics, 'taskiq_task_errors_total{');
    expect(line).toMatch(/ 2$/);
    expect(/error_type="([^"]*)"/.exec(line!)?.[1]).toMatch(/^(?:.*Redis.*|.*Connection.*)$/);
  });
});

describe('label values', () => {
  test('that producers choose are few', async () => {
    const metrics = aWorker();
    for (let i = 0; i < 200; i += 1) metrics.notification(`campaign_${i}`, 'sent');
    metrics.notification('<script>', 'sent');
    const found = await lines(metrics, 'cybervpn_notifications_total{');
    expect(found).toHaveLength(65);
    expect(found.at(-1)).toBe('cybervpn_notifications_total{type="other",status="sent"} 137');
  });

  test('of queues do not overlap: added up they are all that waits', async () => {
    const metrics = aWorker();
    const counts = { waiting: 2, active: 1, delayed: 5, failed: 7 };
    metrics.queueDepths(new Map([['sync', counts]]), new Map([['notification_queue', counts]]));
    expect(await lines(metrics, 'cybervpn_queue_depth{')).toEqual([
      'cybervpn_queue_depth{queue="sync"} 3',
      'cybervpn_queue_depth{queue="notification_queue"} 3',
    ]);
    expect(await lines(metrics, 'taskiq_queue_depth{')).toEqual(['taskiq_queue_depth{queue_name="sync"} 3']);
    expect(await lines(metrics, 'cybervpn_queue_jobs{queue="sync",state="failed"}')).toHaveLength(1);
  });
});

describe('what is not known', () => {
  test('is not shown: neither as zero nor as before', async () => {
    const metrics = aWorker();
    const shown = async () =>
      Promise.all(['cybervpn_taskiq_lag', 'cybervpn_redis'].map((name) => lines(metrics, name)));
    expect(await shown()).toEqual([[], []]);
    metrics.intakeLag({ unread: 1, pending: 2, oldestPendingMs: 3_000 });
    metrics.redisMemory({ usedBytes: 5, evictedKeys: 6, refusedCommands: 7 });
    expect(await shown()).toEqual([
      [
        'cybervpn_taskiq_lag{what="unread"} 1',
        'cybervpn_taskiq_lag{what="pending"} 2',
        'cybervpn_taskiq_lag{what="oldest_pending_seconds"} 3',
      ],
      [
        'cybervpn_redis_memory_bytes{what="used"} 5',
        'cybervpn_redis_evicted_keys_total 6',
        'cybervpn_redis_oom_errors_total 7',
      ],
    ]);
    metrics.intakeLag(undefined);
    metrics.redisMemory(undefined);
    expect(await shown()).toEqual([[], []]);
  });
});

describe('several processes of one container', () => {
  async function together(...processes: Metrics[]): Promise<string[]> {
    const all = await Promise.all(processes.map((one) => one.registry.getMetricsAsJSON()));
    return (await AggregatorRegistry.aggregate(all as unknown as MetricObject[][]).metrics()).split('\n');
  }

  test('what they did is added up, what they share is not', async () => {
    const supervisor = aWorker();
    const child = aWorker('worker-process');
    for (const one of [supervisor, child]) {
      one.taskStarted('t', soon);
      one.tasksKnown([{ name: 't', queue: 'sync' }]);
      one.breaker('telegram', one === child ? 'open' : 'closed');
      one.deadLetters(new Map([['job', 4]]));
      one.redisMemory({ usedBytes: 10, evictedKeys: 3, refusedCommands: 0 });
    }
    const text = await together(supervisor, child);
    expect(text).toContain('taskiq_tasks_in_progress{task_name="t"} 2');
    expect(text).toContain('cybervpn_task_info{task_name="t",queue="sync"} 1');
    expect(text).toContain('cybervpn_breaker_state{service="telegram"} 2');
    expect(text).toContain('cybervpn_dead_letters{kind="job"} 4');
    expect(text).toContain('cybervpn_redis_evicted_keys_total 3');
    expect(text).toContain('cybervpn_worker_info{version="1.2.3",role="worker-process"} 1');
  });

  test('only the one that answers scrapes asks for what they share', async () => {
    const asked: string[] = [];
    for (const role of ['worker', 'worker-process']) {
      const metrics = aWorker(role);
      metrics.beforeScrape(async () => void asked.push(role));
      await metrics.registry.metrics();
    }
    expect(asked).toEqual(['worker']);
  });
});

test('every metric says what it is, in few labels that hold no person', () => {
  for (const { help, labels, name } of Object.values(SERIES)) {
    expect(name).toMatch(/^(?:taskiq|cybervpn)_[a-z_]+$/);
    expect(help.length, name).toBeGreaterThan(15);
    expect(
      labels.filter((label) => /user|chat|telegram_id|message/.test(label)),
      name,
    ).toEqual([]);
  }
  const names = Object.values(SERIES).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
