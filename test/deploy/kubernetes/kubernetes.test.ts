import { readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { describeConfig, parseConfig } from '../../../src/config.ts';
import { SERIES } from '../../../src/observability/series.ts';
import {
  type Deployment,
  deployment,
  horizontalPodAutoscaler,
  type Manifest,
  networkPolicy,
  podDisruptionBudget,
  service,
} from './manifests.ts';

const FOLDER = new URL('../../../deploy/kubernetes/', import.meta.url);

/** Files that are not resources of a cluster: `kubectl --kustomize` and Helm read them. */
const OTHERS = ['kustomization.yaml', 'prometheus-adapter.yaml'];

/** The longest time of a stop, reached when servers are silent (`main.ts`). */
const STOP_S = 22;
/** PostgreSQL's own default for `max_connections`, less its three for superusers. */
const CONNECTIONS = 97;

describe('deploy/kubernetes', () => {
  let files: string[];
  let manifests: Manifest[];
  let roles: Deployment[];
  beforeAll(async () => {
    files = (await readdir(FOLDER)).filter((name) => !OTHERS.includes(name));
    const texts = await Promise.all(files.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
    manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
    roles = of('Deployment').map((found) => deployment.parse(found));
  });

  const of = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
  const named = (kind: string, name: string): Manifest => of(kind).find(({ metadata }) => metadata.name === name)!;

  test('kustomization.yaml takes every manifest but the example of a secret, and this version', async () => {
    const { images, resources } = parse(await readFile(new URL('kustomization.yaml', FOLDER), 'utf8'));
    const { version } = JSON.parse(await readFile(new URL('../../package.json', FOLDER), 'utf8'));
    expect(new Set(resources)).toEqual(new Set(files.filter((name) => name !== 'secret.example.yaml')));
    expect(images).toEqual([{ name: 'cybervpn/task-worker', newTag: version }]);
    for (const { spec } of roles)
      expect(spec.template.spec.containers[0]!.image).toBe(`cybervpn/task-worker:${version}`);
  });

  test('worker and scheduler are one image in two roles, within 512 MB and 256 MB', () => {
    const found = roles.map(({ spec }) => spec.template.spec.containers[0]!);
    expect(new Set(found.map(({ args }) => args.join()))).toEqual(new Set(['scheduler', 'worker']));
    for (const { args, resources } of found)
      expect(resources.limits.memory).toBe(args[0] === 'worker' ? '512Mi' : '256Mi');
  });

  test('runs as nobody’s root with nothing it could write or become, and with no access to the cluster', async () => {
    const user = /^USER (\d+):(\d+)$/gm.exec(
      (await readFile(new URL('../Dockerfile', FOLDER), 'utf8')).split('FROM ').at(-1)!,
    )!;
    for (const { spec } of roles) {
      const pod = spec.template.spec;
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: Number(user[1]),
          runAsGroup: Number(user[2]),
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      expect(pod.containers[0]!.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(pod.containers[0]!.volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
      expect(pod.volumes.map(({ name }) => name)).toEqual(['tmp']);
    }
  });

  test('running jobs may end before a pod is killed', () => {
    for (const { spec } of roles) expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(STOP_S);
  });

  test('a pod that cannot reach its database gets no requests, and is not restarted for it', () => {
    for (const { spec } of roles) {
      const [{ livenessProbe, ports, readinessProbe, startupProbe }] = spec.template.spec.containers as [
        Deployment['spec']['template']['spec']['containers'][0],
      ];
      expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
        { path: '/health/live', port: 'http' },
        { path: '/health/live', port: 'http' },
        { path: '/health/ready', port: 'http' },
      ]);
      // Each check behind `/health/ready` gives up after 3 s.
      expect(readinessProbe.timeoutSeconds).toBeGreaterThan(3);
      expect(ports.map(({ name }) => name)).toEqual(['http']);
    }
  });

  test('ConfigMap and Secret name only variables that exist, and are a whole configuration together', () => {
    const config = { ...named('ConfigMap', 'task-worker').data, ...named('Secret', 'task-worker').stringData };
    const known = new Set(describeConfig().map(({ name }) => name));
    expect(Object.keys(config).filter((name) => !known.has(name))).toEqual([]);
    const { METRICS_PORT } = parseConfig(config);
    for (const { spec } of roles) {
      expect(spec.template.spec.containers[0]!.ports[0]!.containerPort).toBe(METRICS_PORT);
      expect(spec.template.spec.containers[0]!.envFrom).toEqual([
        { configMapRef: { name: 'task-worker' } },
        { secretRef: { name: 'task-worker' } },
      ]);
    }
    expect(
      Object.keys(named('ConfigMap', 'task-worker').data!).filter((name) => /TOKEN|PASSWORD|SECRET|KEY/.test(name)),
    ).toEqual([]);
  });

  test('every selector finds its pods: those of the service, of the budgets, of the policy', () => {
    const pods = roles.map(({ spec }) => spec.template.metadata.labels);
    const finds = (selector: Readonly<Record<string, string>>): number =>
      pods.filter((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value)).length;
    for (const { spec } of roles) expect(finds(spec.selector.matchLabels)).toBe(1);
    for (const found of of('Service')) expect(finds(service.parse(found).spec.selector)).toBe(1);
    for (const found of of('PodDisruptionBudget'))
      expect(finds(podDisruptionBudget.parse(found).spec.selector.matchLabels)).toBe(1);
    for (const found of of('NetworkPolicy'))
      expect(finds(networkPolicy.parse(found).spec.podSelector.matchLabels)).toBe(2);
    expect(of('PodDisruptionBudget')).toHaveLength(2);
  });

  test('the autoscaler follows the depth of the queues by a metric that the worker has, as the adapter makes it', async () => {
    const { spec } = horizontalPodAutoscaler.parse(of('HorizontalPodAutoscaler')[0]);
    expect(named('Deployment', spec.scaleTargetRef.name)).toBeDefined();
    const adapter = parse(await readFile(new URL('prometheus-adapter.yaml', FOLDER), 'utf8'));
    const [rule] = adapter.rules.external;
    expect(spec.metrics[0]!.external.metric.name).toBe(rule.name.as);
    const series = /^\w+/.exec(rule.seriesQuery)![0];
    expect(rule.metricsQuery).toContain(series);
    expect(SERIES.queueJobs.name).toBe(series);
  });

  test('all pods together open no more connections than an ordinary PostgreSQL takes', () => {
    const { maxReplicas, minReplicas } = horizontalPodAutoscaler.parse(of('HorizontalPodAutoscaler')[0]).spec;
    const { DB_POOL_SIZE, WORKER_CONCURRENCY } = parseConfig({
      ...named('ConfigMap', 'task-worker').data,
      ...named('Secret', 'task-worker').stringData,
    });
    const schedulers = roles.find(({ metadata }) => metadata.name === 'task-scheduler')!.spec.replicas!;
    expect(WORKER_CONCURRENCY).toBe(1);
    expect(minReplicas).toBeGreaterThanOrEqual(2);
    expect(DB_POOL_SIZE * (maxReplicas + schedulers)).toBeLessThan(CONNECTIONS);
  });
});
