import { expect, test } from '@jest/globals';
import { routeOf } from '../../../../src/cli/gateway/route.ts';

test.each([
  ['an address for people', 'https://llm.school.example/v1', 'https://llm.school.example/v1'],
  ['one with a port', 'http://10.0.0.1:8080/v1/', 'http://10.0.0.1:8080/v1'],
  [
    'a host that only begins like a Service',
    'http://gateway.svc.example/v1',
    'http://gateway.svc.example/v1',
  ],
])('%s is called as students do', (_, baseURL, want) => {
  expect(routeOf(baseURL)).toEqual({ via: 'Network', baseURL: want });
});

const PROXY = '/api/v1/namespaces/school/services';

test.each([
  ['without a port', 'http://gateway.school.svc/v1', `${PROXY}/http:gateway:80/proxy/v1`],
  ['with TLS', 'https://gateway.school.svc/v1', `${PROXY}/https:gateway:443/proxy/v1`],
  ['with a port', 'http://gateway.school.svc:8080/v1', `${PROXY}/http:gateway:8080/proxy/v1`],
  [
    "with the cluster's domain",
    'http://gateway.school.svc.cluster.local/v1/',
    `${PROXY}/http:gateway:80/proxy/v1`,
  ],
])('a Service %s is asked through the API server', (_, baseURL, path) => {
  expect(routeOf(baseURL)).toEqual({ via: 'APIServer', namespace: 'school', service: 'gateway', path });
});
