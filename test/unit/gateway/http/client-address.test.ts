import { describe, expect, test } from '@jest/globals';
import {
  type AddressRange,
  createClientAddress,
  parseAddressRange,
} from '../../../../src/gateway/http/client-address.ts';

function ranges(...texts: string[]): AddressRange[] {
  return texts.map((text) => {
    const range = parseAddressRange(text);
    if (range === undefined) throw new Error(`${text} is no range`);
    return range;
  });
}

interface Case {
  name: string;
  trusted?: string[];
  socket: string;
  forwarded?: string;
  want: string;
}

const cases: Case[] = [
  {
    name: 'a header counts from nobody by default',
    socket: '10.0.0.1',
    forwarded: '1.1.1.1',
    want: '10.0.0.1',
  },
  {
    name: 'a header of somebody else does not count',
    trusted: ['10.0.0.0/8'],
    socket: '192.0.2.9',
    forwarded: '1.1.1.1',
    want: '192.0.2.9',
  },
  {
    name: 'a proxy tells the client',
    trusted: ['10.0.0.0/8'],
    socket: '10.0.0.1',
    forwarded: '192.0.2.1',
    want: '192.0.2.1',
  },
  {
    name: 'what a client wrote itself stands first and does not count',
    trusted: ['10.0.0.0/8'],
    socket: '10.0.0.1',
    forwarded: '6.6.6.6, 192.0.2.1',
    want: '192.0.2.1',
  },
  {
    name: 'two proxies in a row',
    trusted: ['10.0.0.0/8', '2001:db8::/32'],
    socket: '10.0.0.1',
    forwarded: '192.0.2.1, 2001:db8::5',
    want: '192.0.2.1',
  },
  {
    name: 'nonsense ends the search at who said it',
    trusted: ['10.0.0.0/8'],
    socket: '10.0.0.1',
    forwarded: '192.0.2.1, unknown',
    want: '10.0.0.1',
  },
  { name: 'a proxy that says nothing', trusted: ['10.0.0.0/8'], socket: '10.0.0.1', want: '10.0.0.1' },
  {
    name: 'an IPv4 proxy on a socket of both families',
    trusted: ['10.0.0.0/8'],
    socket: '::ffff:10.0.0.1',
    forwarded: '192.0.2.1',
    want: '192.0.2.1',
  },
];

describe('the address of a client', () => {
  test.each(cases)('$name', ({ trusted = [], socket, forwarded, want }) => {
    const addressOf = createClientAddress(ranges(...trusted));
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    expect(addressOf({ headers, socket: { remoteAddress: socket } })).toBe(want);
  });
});

test.each(['', 'example.org', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0'])(
  '%j is no range of addresses',
  (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  },
);
