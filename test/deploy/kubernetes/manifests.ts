import { z } from 'zod';

/** The parts of manifests that the tests check; the published schemas check the rest. */
const labels = z.record(z.string(), z.string());
const metadata = z.object({ name: z.string(), labels });
const selector = z.object({ matchLabels: labels });
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  timeoutSeconds: z.number().default(1),
});

const container = z.object({
  image: z.string(),
  args: z.array(z.string()),
  envFrom: z.array(z.unknown()),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.object({ limits: z.object({ cpu: z.string(), memory: z.string() }) }),
  securityContext: z.unknown(),
  volumeMounts: z.array(z.unknown()),
});

export const deployment = z.object({
  metadata,
  spec: z.object({
    replicas: z.number().optional(),
    selector,
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        automountServiceAccountToken: z.boolean(),
        securityContext: z.unknown(),
        containers: z.tuple([container]),
        volumes: z.array(z.object({ name: z.string() })),
      }),
    }),
  }),
});

export const service = z.object({ spec: z.object({ selector: labels }) });
export const podDisruptionBudget = z.object({ spec: z.object({ selector, minAvailable: z.number() }) });
export const networkPolicy = z.object({ spec: z.object({ podSelector: selector }) });

export const horizontalPodAutoscaler = z.object({
  spec: z.object({
    scaleTargetRef: z.object({ kind: z.literal('Deployment'), name: z.string() }),
    minReplicas: z.number(),
    maxReplicas: z.number(),
    metrics: z.tuple([z.object({ external: z.object({ metric: z.object({ name: z.string() }) }) })]),
  }),
});

export type Deployment = z.output<typeof deployment>;

/** Any manifest, before its kind is known. */
export type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
};
