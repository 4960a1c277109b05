// Holdfast's generated client for Node: services and messages from ../../proto, one promise per call.

import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const definition = protoLoader.loadSync(
  [
    'holdfast/v1/reservation_service.proto',
    'holdfast/v1/stock_service.proto',
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  {
    includeDirs: [here('../../proto'), here('include')],
    keepCase: true, // reservation_id, as the contract writes it
    longs: Number, // every figure is at most 10^12, far below 2^53
    enums: String,
    defaults: true,
    arrays: true,
  },
);
const { holdfast } = grpc.loadPackageDefinition(definition);

// connect returns the two services at an address (host:port), their calls as functions that return
// promises of { response, replayed, stateNow }.
export function connect(address) {
  const credentials = grpc.credentials.createInsecure();
  const services = [holdfast.v1.ReservationService, holdfast.v1.StockService].map(
    (Service) => new Service(address, credentials),
  );
  return {
    reservations: promises(services[0]),
    stock: promises(services[1]),
    close: () => services.forEach((service) => service.close()),
  };
}

function promises(service) {
  return new Proxy({}, {
    get: (_, call) => promisify((request, done) => {
      let header = new grpc.Metadata();
      const deadline = new Date(Date.now() + 5_000);
      service[call](request, { deadline }, (error, response) => done(error, {
        response,
        replayed: header.get('holdfast-replayed')[0] === 'true',
        stateNow: header.get('holdfast-state')[0],
      })).on('metadata', (received) => { header = received; });
    }),
  });
}

// explain takes the error of a call apart: its code, the reason of its ErrorInfo, and a LineRefusal for
// each line that is refused (as many as fit into an error; metadata.refused_lines counts them all).
export function explain(error) {
  const explained = {
    code: grpc.status[error.code], message: error.details, reason: undefined, metadata: {}, refusals: [],
  };
  const [encoded] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!encoded) return explained; // not from Holdfast: the server cannot be reached
  for (const { type_url: type, value } of definition['google.rpc.Status'].deserialize(encoded).details) {
    const name = type.slice(type.lastIndexOf('/') + 1);
    const detail = definition[name]?.deserialize(value);
    if (name === 'google.rpc.ErrorInfo') {
      Object.assign(explained, { reason: detail.reason, metadata: detail.metadata });
    } else if (name === 'holdfast.v1.LineRefusal') {
      explained.refusals.push(detail);
    }
  }
  return explained;
}
