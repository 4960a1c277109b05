package history

import (
	"encoding/json"
	"time"
)

// reply is an answer in words that the wire and the model have in common, for comparing as text.
type reply struct {
	Refused  string    `json:"refused,omitempty"` // the reason
	State    string    `json:"state,omitempty"`
	SKUs     []string  `json:"skus,omitempty"`
	Refusals []refusal `json:"refusals,omitempty"`

	Replayed    bool         `json:"replayed,omitempty"` // of a Reserve
	Sequence    int64        `json:"sequence,omitempty"`
	Grantable   bool         `json:"grantable,omitempty"`
	Reservation *reservation `json:"reservation,omitempty"`
	Lines       []line       `json:"lines,omitempty"` // of a check
	Arrivals    []arrival    `json:"arrivals,omitempty"`
	Fills       []fill       `json:"fills,omitempty"`
	Items       []item       `json:"items,omitempty"`
}

type refusal struct {
	Line      int    `json:"line"`
	SKU       string `json:"sku"`
	Requested int64  `json:"requested"`
	Orderable *int64 `json:"orderable,omitempty"`
	Reason    string `json:"reason"`
}

type reservation struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Created int64  `json:"created,omitempty"` // ms; times are left out where they are not known
	Expires int64  `json:"expires,omitempty"`
	Term    int64  `json:"term,omitempty"`
	Lines   []line `json:"lines,omitempty"`
}

type line struct {
	SKU         string `json:"sku"`
	Requested   int64  `json:"requested"`
	Reserved    int64  `json:"reserved"`
	Backordered int64  `json:"backordered,omitempty"`
	Fulfilled   int64  `json:"fulfilled,omitempty"`
	Released    int64  `json:"released,omitempty"`
	Available   *int64 `json:"available,omitempty"`
}

// arrival is a SKU after one line of a Restock, an AdjustStock or a SetStock.
type arrival struct {
	SKU         string `json:"sku"`
	Units       int64  `json:"units"`
	OnHand      int64  `json:"on_hand"`
	Available   int64  `json:"available"`
	Filled      int64  `json:"filled,omitempty"`
	Backordered int64  `json:"backordered,omitempty"`
	Shortfall   int64  `json:"shortfall,omitempty"`
}

type fill struct {
	ID    string `json:"id"`
	SKU   string `json:"sku"`
	Units int64  `json:"units"`
}

type item struct {
	SKU         string `json:"sku"`
	OnHand      int64  `json:"on_hand"`
	Reserved    int64  `json:"reserved"`
	Orderable   *int64 `json:"orderable,omitempty"`
	Backordered int64  `json:"backordered,omitempty"`
	Filling     int64  `json:"filling,omitempty"`
	Shortfall   int64  `json:"shortfall,omitempty"`
}

// text writes a reply; without times where the reservation is one of those whose times are not
// known.
func (r reply) text(vague map[string]bool) string {
	if r.Reservation != nil && vague[r.Reservation.ID] {
		timeless := *r.Reservation
		timeless.Created, timeless.Expires = 0, 0
		r.Reservation = &timeless
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		panic("a reply holds nothing that JSON cannot say: " + err.Error())
	}
	return string(encoded)
}

// milliseconds returns a time; 0 of the zero time.
func milliseconds(t time.Time) int64 {
	if t.IsZero() || t.Unix() == 0 {
		return 0
	}
	return t.UnixMilli()
}
