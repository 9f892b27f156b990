import { describe, expect, test } from '@jest/globals';
import { outgoingPorts } from '../../../../src/classroom/children/outgoing-ports.ts';
import type { PodTemplate } from '../../../../src/classroom/rollout/rolled-out.ts';

type Variable = { name: string; value?: string; valueFrom?: object };

function templateWith(...env: Variable[]): PodTemplate {
  return { spec: { containers: [{ name: 'vllm', env }] } };
}

describe('an engine goes out by the port of HTTPS', () => {
  test('and by no other, as it is', () => {
    expect(outgoingPorts(templateWith())).toEqual([443]);
    expect(outgoingPorts(undefined)).toEqual([443]);
  });

  test.each([
    ['the port of a mirror', 'HF_ENDPOINT', 'http://mirror.school.example:8081/hub', 8081],
    ['that of a mirror without HTTPS', 'HF_ENDPOINT', 'http://mirror.school.example', 80],
    ['that of a proxy', 'HTTPS_PROXY', 'http://proxy.school.example:3128', 3128],
    ['in small letters too', 'https_proxy', 'http://proxy.school.example:3128', 3128],
    ['without a scheme', 'HTTP_PROXY', 'proxy.school.example:8080', 8080],
    ['of an address', 'ALL_PROXY', 'socks5h://[fd00::7]', 1080],
    ['beside a password from another variable', 'HTTPS_PROXY', 'http://pupil:$(PASSWORD)@proxy:3128', 3128],
  ])('and by %s', (_, name, value, want) => {
    expect(outgoingPorts(templateWith({ name, value }))).toEqual([443, want].toSorted((a, b) => a - b));
  });

  test.each([
    ['a mirror has HTTPS', { name: 'HF_ENDPOINT', value: 'https://hf-mirror.com' }],
    [
      'the URL is secret',
      { name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'url' } } },
    ],
    ['the host is in another variable', { name: 'HTTPS_PROXY', value: 'http://$(PROXY)' }],
    ['it is no URL', { name: 'HTTP_PROXY', value: 'http://[' }],
    ['the port is none', { name: 'HTTP_PROXY', value: 'http://proxy:0' }],
    ['it is empty', { name: 'HTTP_PROXY', value: '' }],
    ['the scheme is unknown', { name: 'ALL_PROXY', value: 'carrier-pigeon://coop' }],
    ['the URL is that of something else', { name: 'OTLP_ENDPOINT', value: 'http://collector:4318' }],
  ])('alone, where %s', (_, variable) => {
    expect(outgoingPorts(templateWith(variable))).toEqual([443]);
  });

  test('and by each port once, in order', () => {
    const proxies = ['HTTP_PROXY', 'HTTPS_PROXY'].map((name) => ({ name, value: 'proxy:3128' }));
    const mirror = { name: 'HF_ENDPOINT', value: 'http://mirror' };
    expect(outgoingPorts(templateWith(...proxies, mirror))).toEqual([80, 443, 3128]);
  });
});
