import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type SharedControlPlane, sharedControlPlane } from '../support/control-plane.ts';

describe('the control plane that integration tests share', () => {
  let shared: SharedControlPlane;
  beforeAll(async () => {
    shared = await sharedControlPlane();
  });
  afterAll(() => shared.admin.close());

  test('gives each test a namespace of its own', async () => {
    const [one, other] = await Promise.all([shared.createNamespace('room'), shared.createNamespace('room')]);
    expect(one).toMatch(/^room-/);
    expect(other).not.toBe(one);
  });
});
