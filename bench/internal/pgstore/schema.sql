-- The stocks in PostgreSQL, in the form that its users would call good: one function call a reservation, rows
-- locked in the order of the SKUs, one transaction, no table that all reservations of a stock must lock.
-- The journal's sequence is an identity and may have gaps (the contract's has none): a gap-free one would
-- have to lock a row of the stock until its commit is on disk, one reservation at a time.

CREATE TABLE stock (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  backorder_mode smallint, backorder_limit bigint, safety_stock bigint, low_stock_threshold bigint,
  min_quantity bigint, max_quantity bigint, quantity_increment bigint, sellable boolean, tracked boolean
);

-- Half of each page is free, so that an update finds room beside its row and touches no index.
CREATE TABLE item (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stock bigint NOT NULL,
  sku text COLLATE "C" NOT NULL,
  on_hand bigint NOT NULL DEFAULT 0,
  reserved bigint NOT NULL DEFAULT 0,
  queued bigint NOT NULL DEFAULT 0,
  tail bigint NOT NULL DEFAULT 0, -- the last position given in the queue
  backorder_mode smallint, backorder_limit bigint, safety_stock bigint, low_stock_threshold bigint,
  min_quantity bigint, max_quantity bigint, quantity_increment bigint, sellable boolean, tracked boolean,
  UNIQUE (stock, sku)
) WITH (fillfactor = 50);

-- lines holds, per line: item, requested, granted, backordered at the grant, available after it, flags
-- (1 counted, 2 notify; of a line below its request also 4 * reason + 32 * (orderable + 1)). What is still backordered is what the queue has.
CREATE TABLE reservation (
  stock bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  state smallint NOT NULL, -- 1 HELD, 2 COMMITTED, 5 EXPIRED
  fingerprint text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  created timestamptz NOT NULL,
  expires timestamptz,
  lines bigint[] NOT NULL,
  PRIMARY KEY (stock, id)
);
CREATE INDEX reservation_held ON reservation (stock, expires) WHERE state = 1;

CREATE TABLE queue (
  item bigint NOT NULL,
  position bigint NOT NULL,
  reservation text COLLATE "C" NOT NULL,
  line integer NOT NULL,
  units bigint NOT NULL,
  PRIMARY KEY (item, position)
);
CREATE INDEX queue_reservation ON queue (item, reservation);

CREATE TABLE request (
  stock bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  answer bigint[] NOT NULL, -- per line: on hand, available, filled, backordered
  PRIMARY KEY (stock, id)
);

-- type is the contract's event, in the order of its list; lines are as the reservation's, or figures.
CREATE TABLE journal (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stock bigint NOT NULL,
  time timestamptz NOT NULL,
  type smallint NOT NULL,
  subject text COLLATE "C" NOT NULL, -- a reservation, a request or a SKU
  lines bigint[] NOT NULL
);
