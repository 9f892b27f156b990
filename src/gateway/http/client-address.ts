import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** What tells who is at the other end: the part of an `IncomingMessage` that is read here. */
export interface ClientRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Tells a client's address, as far as it can be known. */
export type ClientAddress = (request: ClientRequest) => string;

/** A range of addresses such as `10.0.0.0/8`, or one address. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

const ADDRESS_BITS = { ipv4: 32, ipv6: 128 } as const;

/** Undefined when the text is no range. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const prefix = bits === undefined ? ADDRESS_BITS[family] : Number(bits);
  return prefix <= ADDRESS_BITS[family] ? { address, prefix, family } : undefined;
}

/**
 * The address of the socket, or, when that is a trusted proxy's, the last one in `X-Forwarded-For` that is not a
 * trusted proxy: what stands before it is the client's own word.
 */
export function createClientAddress(trusted: readonly AddressRange[]): ClientAddress {
  if (trusted.length === 0) return ({ socket }) => socket.remoteAddress ?? '';
  const proxies = new BlockList();
  for (const { address, prefix, family } of trusted) proxies.addSubnet(address, prefix, family);
  const isProxy = (address: string): boolean => proxies.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');

  return ({ socket, headers }) => {
    let known = socket.remoteAddress ?? '';
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    for (let hop = forwarded.length - 1; hop >= 0 && isIP(known) !== 0 && isProxy(known); hop--) {
      const claimed = (forwarded[hop] ?? '').trim();
      if (isIP(claimed) === 0) break;
      known = claimed;
    }
    return known;
  };
}
