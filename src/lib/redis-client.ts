import type { Cluster, Redis } from 'ioredis';

/** A connection to one Redis, to the master that sentinels name, or to a whole Redis Cluster. The commands are the same. */
export type RedisClient = Redis | Cluster;

export const isCluster = (redis: RedisClient): redis is Cluster => redis.isCluster;

/** Connections to every server that holds keys of its own: one, or all masters of a cluster. */
export const mastersOf = (redis: RedisClient): Redis[] => (isCluster(redis) ? redis.nodes('master') : [redis]);

/** The oldest version that the worker runs on stands for one that cannot be asked for; BullMQ derives from it which commands there are. */
export const OLDEST_INFO = 'redis_version:7.0.8\r\n';
