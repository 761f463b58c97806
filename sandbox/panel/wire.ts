/** The panel's objects on the wire, per generation. Secrets are easy to recognise, so that tests can look for leaks. */
import type { SandboxNode, SandboxUser } from './model.ts';

export type GenerationNumber = 2 | 3;

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** Every secret of every user contains this. */
export const SECRET_MARK = 'SECRET';

export const PROFILE_UUID = '11111111-1111-4111-8111-111111111111';
const INBOUND_UUID = '22222222-2222-4222-8222-222222222222';
const SQUAD_UUID = '33333333-3333-4333-8333-333333333333';

export const uuidOf = (id: number): string => `00000000-0000-4000-8000-${id.toString(16).padStart(12, '0')}`;
export const nodeUuidOf = (id: number): string => `00000000-0000-4000-9000-${id.toString(16).padStart(12, '0')}`;
const vlessUuidOf = (id: number): string => `5ec2e700-0000-4000-a000-${id.toString(16).padStart(12, '0')}`;
export const shortUuidOf = (id: number): string => `s${id.toString(36).padStart(15, '0')}`;

export function userToWire(user: SandboxUser, generation: GenerationNumber): Record<string, unknown> {
  return {
    ...(generation === 2 && { uuid: user.uuid }),
    id: user.id,
    shortUuid: user.shortUuid,
    username: user.username,
    status: user.status,
    trafficLimitBytes: user.trafficLimitBytes,
    trafficLimitStrategy: user.trafficLimitStrategy,
    expireAt: iso(user.expireAt),
    telegramId: user.telegramId,
    email: user.email,
    description: user.description,
    tag: user.tag,
    hwidDeviceLimit: null,
    externalSquadUuid: null,
    trojanPassword: `${SECRET_MARK}-trojan-${user.id}-${user.revocations}`,
    vlessUuid: vlessUuidOf(user.id),
    ssPassword: `${SECRET_MARK}-ss-${user.id}-${user.revocations}`,
    lastTriggeredThreshold: 0,
    subRevokedAt: isoOrNull(user.subRevokedAt),
    lastTrafficResetAt: isoOrNull(user.lastTrafficResetAt),
    createdAt: iso(user.createdAt),
    updatedAt: iso(user.updatedAt),
    subscriptionUrl: `https://sub.example.test/${SECRET_MARK}/${user.shortUuid}`,
    activeInternalSquads: user.isInSquad ? [{ uuid: SQUAD_UUID, name: 'Default' }] : [],
    userTraffic: {
      usedTrafficBytes: user.usedTrafficBytes,
      lifetimeUsedTrafficBytes: user.lifetimeUsedTrafficBytes,
      onlineAt: isoOrNull(user.onlineAt),
      firstConnectedAt: isoOrNull(user.onlineAt === null ? null : user.createdAt),
      lastConnectedNodeUuid: user.lastConnectedNodeUuid,
    },
  };
}

export const inboundToWire = (): Record<string, unknown> => ({
  uuid: INBOUND_UUID,
  profileUuid: PROFILE_UUID,
  tag: 'vless-reality',
  type: 'vless',
  network: 'tcp',
  security: 'reality',
  port: 443,
  rawInbound: { tag: 'vless-reality', streamSettings: { realitySettings: { privateKey: `${SECRET_MARK}-reality` } } },
});

/**
 * The traffic counter now. Its growth is weighted: 3.x floors the product (`multiplyConsumption` of 3.3.2), and bytes that were counted
 * before a change of the multiplier keep the weight that they were counted with.
 */
export function trafficOf(node: SandboxNode, now: number): number {
  return Math.round(node.trafficUsedBytes) + Math.floor(node.nodeConsumptionMultiplier * sinceCounted(node, now));
}

/** The bytes that have gone through the node until now. */
export const flownOf = (node: SandboxNode, now: number): number =>
  Math.round(node.flownBytes) + sinceCounted(node, now);

const sinceCounted = (node: SandboxNode, now: number): number =>
  node.state === 'connected' ? Math.round(((now - node.countedAt) / 1000) * node.trafficBytesPerSecond) : 0;

export function nodeToWire(node: SandboxNode, generation: GenerationNumber, now: number): Record<string, unknown> {
  const connected = node.state === 'connected';
  return {
    uuid: node.uuid,
    ...(generation === 3 && {
      id: node.id,
      proxyUrl: null,
      nodeConsumptionMultiplier: node.nodeConsumptionMultiplier,
      integrationUuids: [],
      ips: [],
      note: null,
    }),
    name: node.name,
    address: node.address,
    port: 2222,
    isConnected: connected,
    isConnecting: node.state === 'connecting',
    isDisabled: node.state === 'disabled',
    lastStatusChange: iso(node.lastStatusChange),
    lastStatusMessage: node.lastStatusMessage,
    isTrafficTrackingActive: true,
    trafficResetDay: node.trafficResetDay,
    trafficLimitBytes: 0,
    trafficUsedBytes: trafficOf(node, now),
    notifyPercent: 0,
    viewPosition: node.id,
    countryCode: node.countryCode,
    consumptionMultiplier: node.consumptionMultiplier,
    tags: [],
    createdAt: iso(node.createdAt),
    updatedAt: iso(node.lastStatusChange),
    configProfile: { activeConfigProfileUuid: PROFILE_UUID, activeInbounds: [inboundToWire()] },
    providerUuid: null,
    provider: null,
    activePluginUuid: null,
    system: null,
    versions: connected ? { xray: '25.10.1', node: generation === 2 ? '2.7.0' : '3.3.0' } : null,
    xrayUptime: connected ? Math.floor((now - node.lastStatusChange) / 1000) : 0,
    usersOnline: connected ? node.usersOnline : 0,
  };
}

export function hostToWire(node: SandboxNode, generation: GenerationNumber): Record<string, unknown> {
  return {
    uuid: `00000000-0000-4000-b000-${node.id.toString(16).padStart(12, '0')}`,
    viewPosition: node.id,
    remark: `${node.countryCode} ${node.name}`,
    address: node.address,
    port: 443,
    path: null,
    sni: null,
    host: null,
    alpn: null,
    fingerprint: 'chrome',
    isDisabled: false,
    securityLayer: 'DEFAULT',
    muxParams: null,
    sockoptParams: null,
    finalMask: null,
    inbound: { configProfileUuid: PROFILE_UUID, configProfileInboundUuid: INBOUND_UUID },
    serverDescription: null,
    isHidden: false,
    overrideSniFromAddress: false,
    keepSniBlank: false,
    vlessRouteId: null,
    shuffleHost: false,
    mihomoX25519: false,
    nodes: [node.uuid],
    xrayJsonTemplateUuid: null,
    excludeFromSubscriptionTypes: [],
    ...(generation === 2
      ? { xHttpExtraParams: null, tag: null, allowInsecure: false, excludedInternalSquads: [] }
      : {
          xhttpExtraParams: null,
          tags: [],
          pinnedPeerCertSha256: null,
          verifyPeerCertByName: null,
          mihomoIpVersion: null,
          mapper: {},
          internalSquads: { mode: 'EXCLUDE', squads: [] },
        }),
  };
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes for people, as the panel writes them in its statistics: two decimals of the largest unit. */
export function pretty(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  if (bytes === 0) return '0';
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(2)} ${UNITS[power]}`;
}
