import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const words = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const dependsOn = z.union([
  z
    .array(z.string())
    .transform((names) => Object.fromEntries(names.map((name) => [name, { condition: 'service_started' }]))),
  z.record(z.string(), z.object({ condition: z.string() })),
]);

/** One file of variables or several, each as a path or as a path with whether it is required. */
const envFiles = z
  .union([z.string(), z.array(z.union([z.string(), z.object({ path: z.string(), required: z.boolean() })]))])
  .transform((given) => [given].flat())
  .transform((files) => files.map((file) => (typeof file === 'string' ? { path: file, required: true } : file)));

/** The part of a service that the tests check. */
const service = z.object({
  image: z.string(),
  container_name: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  entrypoint: words.default([]),
  command: words.default([]),
  env_file: envFiles.default([]),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: dependsOn.default({}),
  networks: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  init: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  healthcheck: z
    .object({
      test: z.array(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string(),
    })
    .optional(),
  deploy: z
    .object({
      replicas: z.number().default(1),
      resources: z.object({ limits: z.object({ memory: z.string(), cpus: z.string().optional() }) }),
    })
    .optional(),
  logging: z.object({ driver: z.string(), options: z.record(z.string(), z.string()) }),
});

const composeFile = z.object({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.unknown()),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ environment: z.string() })).default({}),
  // Files that come another way than by a mount, which these tests would not see.
  configs: z.undefined().optional(),
});

export type Service = z.output<typeof service>;
export type ComposeFile = z.output<typeof composeFile>;

/** Reads a compose file as `docker compose` does with these variables set: anchors merged, `${NAME:-default}` and `${NAME:?words}` filled in. */
export async function readCompose(path: URL, variables: Readonly<Record<string, string>> = {}): Promise<ComposeFile> {
  const written: unknown = parse(await readFile(path, 'utf8'), { merge: true });
  return composeFile.parse(interpolate(written, variables));
}

/** Fills in every text. Throws where a required variable is not set, as `docker compose` does. `$$` is a dollar sign. */
function interpolate(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, variables));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, variables)]));
  if (typeof value !== 'string') return value;
  return value.replaceAll(/\$\$|\$\{(\w+):([-?])([^}]*)\}/g, (found, name = '', operator = '', word = '') => {
    if (found === '$$') return '$';
    const given = variables[name];
    if (given) return given;
    if (operator === '-') return word;
    throw new Error(`${name} is not set: ${word}`);
  });
}
