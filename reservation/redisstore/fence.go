package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// The fields of meta that tell of a fence; see lua/include/fence.lua and lua/lift_fence.lua.
const (
	fencedField = "fenced"
	liftedField = "lifted"
)

// fenceOf reads a fence as it is kept.
func fenceOf(text string) (reservation.Fence, error) {
	w := words{text: text}
	epoch, noticed := w.next(' '), w.next(' ')
	id, err := reservation.ParseFenceID(epoch + "-" + noticed)
	if err != nil {
		return reservation.Fence{}, internal(err)
	}
	at := words{text: noticed}
	fence := reservation.Fence{
		ID: id, NoticedTime: timeOf(at.int(' ')), Since: timeOf(w.int(' ')),
		Seen:         reservation.Position{Epoch: w.int(' '), Sequence: w.int(' ')},
		KeptSequence: w.int(' '),
		Found:        reservation.Position{Epoch: w.int(' '), Sequence: w.int(' ')},
		LostEvents:   w.int(' '), Server: w.text,
	}
	if w.failed {
		return reservation.Fence{}, internal(fmt.Errorf("the fence %q cannot be read", text))
	}
	return fence, nil
}

// Fence says whether a stock is fenced. It looks for a loss first, as any change does; where the
// store takes no change, it answers what is known.
func (s *Store) Fence(
	ctx context.Context, stock reservation.StockID,
) (reservation.FenceAnswer, error) {
	n, err := s.fitNode(ctx, s.keys.of(stock).meta())
	if err != nil {
		return reservation.FenceAnswer{}, err
	}
	_, _ = s.sweep(ctx, stock, false, false) // what is known is answered all the same
	fields, err := s.client.HMGet(ctx, s.keys.of(stock).meta(),
		fencedField, liftedField, "epoch", "sequence").Result()
	if err != nil {
		return reservation.FenceAnswer{}, s.failure(ctx, err)
	}
	var told [4]string
	for i := range told {
		told[i], _ = fields[i].(string)
	}
	answer := reservation.FenceAnswer{StoreTime: timeOf(n.clock.now())}
	if told[0] != "" {
		fence, err := fenceOf(told[0])
		if err != nil {
			return reservation.FenceAnswer{}, err
		}
		answer.Fence = reservation.Some(fence)
	}
	if id, ms, ok := strings.Cut(told[1], " "); ok {
		lifted, err := readLifted(id, ms)
		if err != nil {
			return reservation.FenceAnswer{}, err
		}
		answer.Lifted = reservation.Some(lifted)
	}
	if told[2] != "" {
		var r reply
		answer.Position.Epoch, answer.Position.Sequence = r.parseInt(told[2]), r.parseInt(told[3])
		if r.err != nil {
			return reservation.FenceAnswer{}, internal(r.err)
		}
	}
	return answer, nil
}

func readLifted(name, ms string) (reservation.LiftedFence, error) {
	var r reply
	at := timeOf(r.parseInt(ms))
	id, err := reservation.ParseFenceID(name)
	if err == nil {
		err = r.err
	}
	if err != nil {
		return reservation.LiftedFence{}, internal(err)
	}
	return reservation.LiftedFence{ID: id, LiftTime: at}, nil
}

// Fences pages through all stocks for those that are fenced. A page looks at about Limit stocks, so
// it may be empty while more follow.
func (s *Store) Fences(
	ctx context.Context, request reservation.ListFencesRequest,
) (reservation.FencesAnswer, error) {
	n, err := s.fitNode(ctx, s.stocksKey)
	if err != nil {
		return reservation.FencesAnswer{}, err
	}
	names, next, err := s.client.SScan(ctx, s.stocksKey, request.After, "",
		int64(request.Limit)).Result()
	if err != nil {
		return reservation.FencesAnswer{}, s.failure(ctx, err)
	}
	answer := reservation.FencesAnswer{Next: next, StoreTime: timeOf(n.clock.now())}
	pipe := s.client.Pipeline()
	var stocks []reservation.StockID
	var fields []*redis.StringCmd
	for _, name := range names {
		if stock, err := reservation.ParseStockID(name); err == nil && stock.String() == name {
			stocks = append(stocks, stock)
			fields = append(fields, pipe.HGet(ctx, s.keys.of(stock).meta(), fencedField))
		}
	}
	_ = runPipe(ctx, pipe) // each command's own error is looked at
	for i, field := range fields {
		if err := field.Err(); err != nil && err != redis.Nil { //nolint:errorlint // it is never wrapped
			return reservation.FencesAnswer{}, s.failure(ctx, err)
		}
		if field.Val() == "" {
			continue
		}
		fence, err := fenceOf(field.Val())
		if err != nil {
			return reservation.FencesAnswer{}, err
		}
		answer.Stocks = append(answer.Stocks,
			reservation.FencedStock{Stock: stocks[i], Fence: fence})
	}
	return answer, nil
}

// LiftFence lets a stock grant again; see lua/lift_fence.lua.
func (s *Store) LiftFence(
	ctx context.Context, request reservation.LiftFenceRequest,
) (reservation.LiftFenceAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptLiftFence, repeatable: true, lines: 1, bytes: requestOverhead,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.text(request.Fence.String())
		},
	}, false)
	if err != nil {
		return reservation.LiftFenceAnswer{}, err
	}
	answer := reservation.LiftFenceAnswer{LiftTime: timeOf(r.int()), Stamp: r.stamp()}
	if r.err != nil {
		return reservation.LiftFenceAnswer{}, internal(r.err)
	}
	s.fences.lifted(request)
	return answer, nil
}
