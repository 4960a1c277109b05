// Makes the calls of the README at a running server: node checkout.js [host:port]

import { randomUUID } from 'node:crypto';
import { connect, explain } from './holdfast.js';

const address = process.argv[2] ?? process.env.HOLDFAST_ADDRESS ?? '127.0.0.1:50051';
const { reservations, stock, close } = connect(address);

// A stock of its own, so that the example finds it empty however often it runs. Every id is made before
// the first try and sent again with every retry.
const stock_id = `node-${randomUUID()}`;
const reservation_id = `order-${randomUUID()}`;

// The contract makes every call safe to repeat with the same id, so a call that finds the server away
// is simply made again.
async function call(service, name, request) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await service[name]({ stock_id, ...request });
    } catch (error) {
      if (explain(error).code !== 'UNAVAILABLE' || tries === 5) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 100 * 2 ** tries); });
    }
  }
}

function show(title, { response, replayed, stateNow }) {
  const { reservation } = response;
  console.log(`\n${title}${replayed ? ` (replayed; it is ${stateNow} now)` : ''}`);
  console.log(`  ${reservation.reservation_id} ${reservation.state}, backordered: ${reservation.backordered}`);
  for (const line of reservation.lines) {
    console.log(`  ${line.sku}: reserved ${line.reserved_quantity} of ${line.requested_quantity}`
      + `, backordered ${line.backordered_quantity}, notify customer: ${line.notify_customer}`);
  }
}

async function main() {
  const policy = { backorder_mode: 'BACKORDER_MODE_ALLOW_AND_NOTIFY' };
  const { response: set } = await call(stock, 'SetPolicy', { sku: 'TEA', policy });
  console.log(`policy of TEA: ${set.effective_policy.backorder_mode}`);

  const { response: restocked } = await call(stock, 'Restock', {
    request_id: `delivery-${randomUUID()}`,
    lines: [{ sku: 'TEA', quantity: 3 }, { sku: 'MUG', quantity: 1 }],
  });
  for (const line of restocked.lines) console.log(`${line.sku}: ${line.on_hand_quantity} on hand`);

  const order = { reservation_id, lines: [{ sku: 'TEA', quantity: 5 }] };
  show('reserve 5 TEA of 3', await call(reservations, 'Reserve', order));
  show('the same again', await call(reservations, 'Reserve', order));
  show('release', await call(reservations, 'Release', { reservation_id }));
  show('the same Reserve again', await call(reservations, 'Reserve', order));

  try {
    await call(reservations, 'Reserve', {
      reservation_id: `order-${randomUUID()}`,
      lines: [{ sku: 'TEA', quantity: 1 }, { sku: 'MUG', quantity: 2 }],
    });
    throw new Error('2 MUG of 1 were reserved');
  } catch (error) {
    const { code, reason, refusals } = explain(error);
    if (reason !== 'LINES_REFUSED') throw error;
    console.log(`\nreserve 1 TEA and 2 MUG of 1: ${code}, ${reason}`);
    for (const line of refusals) {
      console.log(`  line ${line.line_index + 1}, ${line.sku}: ${line.requested_quantity} asked, `
        + `${line.orderable_quantity} orderable, ${line.reason}`);
    }
  }
}

try {
  await main();
} catch (error) {
  const { code, reason, message } = explain(error);
  console.error(code ? `${message} (${reason ?? code})` : error);
  process.exitCode = 1;
} finally {
  close();
}
