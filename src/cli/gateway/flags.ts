import { z } from 'zod';

/** Of commands that ask the gateway; spread into their own schema and flags. */
export const GATEWAY_SHAPE = {
  gatewayUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8080/v1' })
    .optional(),
};
export const GATEWAY_FLAGS = {
  gatewayUrl: {
    spelling: '--gateway-url <url>',
    about: 'where the gateway is from here, with /v1; default: the address that the class names',
  },
} as const;
