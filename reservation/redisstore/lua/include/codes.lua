-- The closed table of reply codes. Go reads it from here and turns each into an answer or an error.
local code = {
  OK = 0,                       -- done
  REPLAYED = 1,                 -- done before: the first answer again
  AGAIN = 2,                    -- more holds are due than one script reclaims: send it once more
  TOO_LATE = 3,                 -- past its not_after: nothing was done
  RESERVATION_ID_REUSED = 10,   -- known with other content
  REQUEST_ID_REUSED = 11,       -- known with other content
  UNKNOWN_SKU = 20,             -- followed by the SKUs
  UNKNOWN_RESERVATION = 21,
  RELEASED_BEFORE_RESERVED = 30,
  WRONG_STATE = 31,             -- followed by the state
  MORE_THAN_OPEN = 32,          -- followed by the SKUs
  STOCK_ITEM_IN_USE = 33,       -- followed by the SKU
  MORE_THAN_COVERED = 34,       -- followed by the SKUs
  BACKORDERED_UNITS = 35,       -- followed by the SKUs
  NOT_ON_HAND = 36,             -- followed by the SKUs
  ON_HAND_BELOW_ZERO = 37,      -- followed by the SKUs
  ON_HAND_DIFFERS = 38,         -- followed by the SKUs
  LINES_REFUSED = 40,           -- followed by the refused lines
  FIGURE_OUT_OF_RANGE = 50,     -- followed by the SKUs
  REPAIR_CONFLICT = 60,         -- what was found may be true no more
  STOCK_RESTORING = 61,         -- it is being built from an export
  STOCK_NOT_EMPTY = 62,         -- and so no export can be restored into it
  STOCK_FENCED = 63,            -- writes of it were lost: nothing is granted
  FENCE_DIFFERS = 64,           -- the stock has no fence of this id
}
