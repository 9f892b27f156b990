import { expect, test } from '@jest/globals';
import { AddressPool, addressIn } from '../../../../src/demo/node-agent/addresses.ts';

const PER_BLOCK = 253;

function poolOf(...numbers: number[]): AddressPool {
  const pool = new AddressPool();
  for (const number of numbers) pool.addBlock({ number });
  return pool;
}

test('the first address of a block is the node’s', () => {
  expect(addressIn({ number: 7 }, 1)).toBe('127.244.7.1');
  expect(poolOf(7).take()).toBe('127.244.7.2');
});

test('every pod gets an address of its own, until a block is used up', () => {
  const pool = poolOf(7);
  const taken = Array.from({ length: PER_BLOCK }, () => pool.take());
  expect(new Set(taken).size).toBe(PER_BLOCK);
  expect(taken.at(-1)).toBe('127.244.7.254');
  expect(pool.take()).toBeUndefined();
});

test('another block gives more', () => {
  const pool = poolOf(7);
  for (let count = 0; count < PER_BLOCK; count++) pool.take();
  pool.addBlock({ number: 9 });
  expect(pool.take()).toBe('127.244.9.2');
});

test('an address that was released is given again only after all others', () => {
  const pool = poolOf(7);
  const first = pool.take() ?? '';
  pool.release(first);
  const others = Array.from({ length: PER_BLOCK - 1 }, () => pool.take());
  expect(others).not.toContain(first);
  expect(pool.take()).toBe(first);
});

test('without a block there is none', () => {
  expect(new AddressPool().take()).toBeUndefined();
});
