import { type AddressInfo, connect, createServer } from 'node:net';

/**
 * The least that a proxy in Node can do: passes bytes on between two sockets and understands none of them. What it
 * costs is the price of the sockets, which no gateway can go below.
 */
const enginePort = Number(process.argv[2]);

const server = createServer({ noDelay: true }, (client) => {
  const engine = connect({ port: enginePort, host: '127.0.0.1', noDelay: true });
  client.on('error', () => engine.destroy());
  engine.on('error', () => client.destroy());
  client.on('data', (data) => engine.write(data));
  engine.on('data', (data) => client.write(data));
  client.on('close', () => engine.destroy());
  engine.on('close', () => client.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ address: `127.0.0.1:${port}`, msg: 'takes requests' }));
});
process.once('SIGTERM', () => process.exit(0));
