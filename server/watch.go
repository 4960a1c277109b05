package server

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// maxEventTypes is the longest list of event types in a filter.
const maxEventTypes = 17

var errEpochMissing = errors.New("is 0, must be at least 1 where sequence is not 0")

// Watch sends a stock's events until its caller, an error or the server's shutdown ends it; see the
// proto for its reasons. A caller who reads slowly holds up this watch and nothing else.
func (s *eventService) Watch(
	in *holdfastv1.WatchRequest, stream grpc.ServerStreamingServer[holdfastv1.WatchResponse],
) error {
	ctx := stream.Context()
	request, filter, err := parseWatch(in)
	if err != nil {
		return statusOf(ctx, in, err)
	}
	sender := eventSender{
		filter: filter, send: stream.Send, shared: s.shared,
		sendEncoded: func(response encodedResponse) error { return stream.SendMsg(response) },
	}
	err = s.store.Watch(ctx, request, sender.deliver)
	return statusOf(ctx, in, ending(ctx, err))
}

// ending says why a watch ended. Once its context is done, that is why, whatever the store met on
// its way out; only a fault keeps its name.
func ending(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil && err != nil:
		return err
	case ctx.Err() == nil:
		return errors.New("the store ended a watch that nobody had ended")
	case err != nil && reservation.ReasonOf(err) == reservation.ReasonInternal && !isStatus(err):
		return err
	case errors.Is(context.Cause(ctx), errDraining):
		return &reservation.Error{Reason: reservation.ReasonStoreUnavailable, Cause: errDraining}
	}
	return &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err()}
}

// interrupted says why a call that sends for long ended with an error: its context, once that is
// done, whatever the store met on its way out.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return ending(ctx, err)
}

func parseWatch(in *holdfastv1.WatchRequest) (reservation.WatchRequest, eventFilter, error) {
	var p parser
	request := reservation.WatchRequest{
		Stock: p.stock(in.GetStockId()),
		After: p.position("after", in.GetAfter()),
	}
	filter := eventFilter{
		types: p.eventTypes(in.GetTypes()),
		skus:  p.skuSet("skus", in.GetSkus()),
	}
	return request, filter, p.err()
}

// position reads a place in a journal. Every event stands in an epoch; only the place before the
// first may be in none.
func (p *parser) position(
	field string, in *holdfastv1.Position,
) reservation.Optional[reservation.Position] {
	if in == nil {
		return reservation.Optional[reservation.Position]{}
	}
	switch {
	case in.GetEpoch() < 0:
		p.refuse(field+".epoch", fmt.Sprintf("is %d, must not be below 0", in.GetEpoch()))
	case in.GetEpoch() == 0 && in.GetSequence() > 0:
		p.check(field+".epoch", errEpochMissing)
	}
	if in.GetSequence() < 0 {
		p.refuse(field+".sequence", fmt.Sprintf("is %d, must not be below 0", in.GetSequence()))
	}
	return reservation.Some(reservation.Position{
		Epoch: in.GetEpoch(), Sequence: in.GetSequence(),
	})
}

func (p *parser) eventTypes(in []holdfastv1.EventType) map[holdfastv1.EventType]bool {
	if len(in) > maxEventTypes {
		p.refuse("types", fmt.Sprintf("has %d types, at most %d are allowed", len(in),
			maxEventTypes))
		return nil
	}
	types := make(map[holdfastv1.EventType]bool, len(in))
	for i, one := range in {
		_, isKnown := holdfastv1.EventType_name[int32(one)]
		if !isKnown || one == holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED {
			p.checkItem("types", i, "", errUnknownValue)
		}
		types[one] = true
	}
	return types
}

// skuSet reads up to MaxPageSize SKUs whose order and repetition mean nothing.
func (p *parser) skuSet(field string, names []string) map[reservation.SKU]bool {
	if len(names) == 0 {
		return nil
	}
	list := p.skus(field, names)
	set := make(map[reservation.SKU]bool, len(list))
	for _, sku := range list {
		set[sku] = true
	}
	return set
}
