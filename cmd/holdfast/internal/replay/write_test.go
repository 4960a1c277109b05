package replay

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReport_WriteIsReadable(t *testing.T) {
	report := &Report{
		Stock: "replay", Run: "r1", Concurrency: 64, Seconds: 9.24, Rows: 320705, SkippedRows: 925,
		Asked: Volume{12980, 313933, 3370170}, Reserved: Volume{11010, 215345, 2419313},
		Backordered: Volume{2503, 4311, 20639}, Refused: Volume{1970, 98588, 950857},
		Refusals: map[string]*Volume{
			"BACKORDER_LIMIT": {1970, 3088, 182119}, NotDetailed: {3, 70, 0},
		},
		Reserve: Calls{
			Sent: 12980, Accepted: 11000, Replayed: 10, Refused: 1970, Retried: 4,
		},
		Restock:        Calls{Sent: 2558, Accepted: 2557, Failed: 1},
		AdjustStock:    Calls{Sent: 8, Accepted: 1, Refused: 7},
		OtherRefusals:  map[string]int64{"AdjustStock ON_HAND_BELOW_ZERO": 7},
		Held:           Volume{11000, 215300, 2419000},
		Committed:      Volume{7000, 140000, 1500000},
		Expired:        Volume{4000, 75300, 919000},
		CallsPerSecond: 1690.4,
		Latency: Latency{
			22240 * time.Microsecond, 108 * time.Millisecond, time.Second, 2 * time.Second,
		},
		Errors: []string{"order r1:5: Internal: a fault"},
		Verification: &Verification{
			SKUs: 3661, Differences: []Difference{{"A", "on hand", 5, 6}},
			Journal: JournalVerification{Events: 9, Expired: 2},
		},
	}
	const want = `run r1 in stock replay: 64 callers, 9.2 s

                        ORDERS   LINES    UNITS
asked                    12980  313933  3370170
reserved                 11010  215345  2419313
  backordered             2503    4311    20639
  held                   11000  215300  2419000
  committed               7000  140000  1500000
  cancelled                  0       0        0
  expired                 4000   75300   919000
refused                   1970   98588   950857
  BACKORDER_LIMIT         1970    3088   182119
  (beyond the details)       3      70        -

CALL          SENT  ACCEPTED  REPLAYED  REFUSED  INVALID  ERRORS  RETRIES
Reserve      12980     11000        10     1970        0       0        4
Restock       2558      2557         0        0        0       1        0
AdjustStock      8         1         0        7        0       0        0

CALLS A SECOND       P50        P99       P99.9     LONGEST
          1690  22.24 ms  108.00 ms  1000.00 ms  2000.00 ms

925 rows of 320705 skipped: no call says them
refused beside the orders: 7 by AdjustStock ON_HAND_BELOW_ZERO
error: order r1:5: Internal: a fault
1 difference from what the file and the answers give (does somebody else use this stock?)
SKU  FIGURE   EXPECTED  FOUND
A    on hand         5      6
journal verified: on hand, reserved and backordered are what its 9 events, 2 EXPIRED, give
`
	var got bytes.Buffer
	report.Write(&got)
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if report.IsClean() {
		t.Error("a run with a failed call and a difference is clean")
	}
}
