package model

import (
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// request is a request id that was used, and the first answer to it.
type request struct {
	id       reservation.RequestID
	time     time.Time
	content  requestContent
	released reservation.ReleaseAnswer // callRelease
	restock  reservation.RestockAnswer // callRestock
	shipped  reservation.ChangeAnswer  // callFulfill
	onHand   reservation.OnHandAnswer  // callAdjust, callSetStock
}

// call tells apart the calls that share the namespace of request ids.
type call uint8

const (
	callRelease call = iota + 1
	callRestock
	callFulfill
	callAdjust
	callSetStock
)

// requestContent is what a repeated request must have in common with the first.
type requestContent struct {
	call   call
	id     reservation.ReservationID // callRelease, callFulfill
	lines  []reservation.Line        // callRelease, callFulfill, callRestock
	deltas []reservation.AdjustLine  // callAdjust
	counts []reservation.CountLine   // callSetStock
}

func (c requestContent) equal(other requestContent) bool {
	return c.call == other.call && c.id == other.id && slices.Equal(c.lines, other.lines) &&
		slices.Equal(c.deltas, other.deltas) && slices.Equal(c.counts, other.counts)
}

func releaseContent(r reservation.ReleaseRequest) requestContent {
	return requestContent{call: callRelease, id: r.ID, lines: slices.Clone(r.Lines.All())}
}

func restockContent(r reservation.RestockRequest) requestContent {
	return requestContent{call: callRestock, lines: slices.Clone(r.Lines.All())}
}

func fulfillContent(r reservation.FulfillRequest) requestContent {
	return requestContent{call: callFulfill, id: r.ID, lines: slices.Clone(r.Lines.All())}
}

func adjustContent(r reservation.AdjustRequest) requestContent {
	return requestContent{call: callAdjust, deltas: slices.Clone(r.Lines)}
}

func setStockContent(r reservation.SetStockRequest) requestContent {
	return requestContent{call: callSetStock, counts: slices.Clone(r.Lines)}
}

// request finds a request id; one whose retention is over is as if it had never been used.
func (s *stock) request(id reservation.RequestID) *request {
	r, there := s.requests[id]
	if !there || s.isOver(r.time) {
		return nil
	}
	return r
}

func (s *stock) remember(id reservation.RequestID, content requestContent) *request {
	r := &request{id: id, time: s.now, content: content}
	s.requests[id] = r
	return r
}
