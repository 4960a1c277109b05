package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// call is one call on a stock, as a line of text that scenarios and random histories share: a
// history that failed can be pasted into a scenario.
type call struct {
	text string
	verb string
	do   func(ctx context.Context, on target) (any, error)
}

// parseCall reads a call; scenarios/README.md has the grammar.
func parseCall(stock reservation.StockID, text string) (call, error) {
	words, err := splitWords(text)
	if err != nil {
		return call{}, fmt.Errorf("%q: %w", text, err)
	}
	do, err := words.parse(stock)
	if err != nil {
		return call{}, fmt.Errorf("%q: %w", text, err)
	}
	return call{text: text, verb: words.verb, do: do}, nil
}

// isRead says whether the call changes nothing, so that its answers carry no sequence.
func (c call) isRead() bool {
	return slices.Contains([]string{
		"check", "get", "get-policy", "get-default", "items", "list", "reservations", "backorders",
	}, c.verb)
}

// isHousekeeping says whether the call answers with a number only.
func (c call) isHousekeeping() bool {
	return slices.Contains([]string{"sweep", "drain", "purge"}, c.verb)
}

// outcome makes the call and returns what came of it. What the contract does not promise is left
// out: the stamp of a read that was refused.
func (c call) outcome(ctx context.Context, on target) (outcome, error) {
	result, err := outcomeOf(c.do(ctx, on))
	if err != nil {
		return outcome{}, fmt.Errorf("%s: %w", c.text, err)
	}
	if c.isRead() && result.Refusal != nil {
		result.Refusal.Stamp = reservation.Stamp{}
	}
	return result, nil
}

type doFunc = func(ctx context.Context, on target) (any, error)

// parse finds the call of the verb.
func (w words) parse(stock reservation.StockID) (doFunc, error) {
	switch w.verb {
	case "reserve":
		return w.parseReserve(stock)
	case "release":
		return w.parseRelease(stock)
	case "get":
		return w.parseGet(stock)
	case "commit", "extend":
		return w.parseCommit(stock)
	case "fulfill":
		return w.parseFulfill(stock)
	case "adjust":
		return w.parseAdjust(stock)
	case "set-stock":
		return w.parseSetStock(stock)
	case "reservations":
		return w.parseReservations(stock)
	case "backorders":
		return w.parseBackorders(stock)
	case "check", "restock":
		return w.parseLines(stock)
	case "set-policy", "get-policy", "set-default", "get-default":
		return w.parsePolicy(stock)
	case "items", "list", "delete":
		return w.parseItems(stock)
	case "sweep", "drain", "purge":
		return w.parseHousekeeping(stock)
	}
	return nil, errors.New("unknown verb")
}

func (w words) parseReserve(stock reservation.StockID) (doFunc, error) {
	request := reservation.ReserveRequest{Stock: stock, Lines: w.lines, Mode: w.mode()}
	var err error
	if request.ID, err = w.reservationID(); err != nil {
		return nil, err
	}
	if request.TTL, err = w.ttl(); err != nil {
		return nil, err
	}
	if other, named := w.options["replaces"]; named {
		if request.Replaces, err = reservation.ParseReservationID(other); err != nil {
			return nil, err
		}
	}
	if request.Lines.IsZero() {
		return nil, errors.New("has no lines")
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Reserve(ctx, request)
	}, nil
}

func (w words) parseRelease(stock reservation.StockID) (doFunc, error) {
	request := reservation.ReleaseRequest{
		Stock: stock, Lines: w.lines, AllowMissing: w.flags["allow_missing"],
	}
	var err error
	if request.ID, err = w.reservationID(); err != nil {
		return nil, err
	}
	if request.Request, err = w.by(); err != nil {
		return nil, err
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Release(ctx, request)
	}, nil
}

func (w words) parseGet(stock reservation.StockID) (doFunc, error) {
	id, err := w.reservationID()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Get(ctx, stock, id)
	}, nil
}

func (w words) parseLines(stock reservation.StockID) (doFunc, error) {
	if w.lines.IsZero() {
		return nil, errors.New("has no lines")
	}
	if w.verb == "check" {
		request := reservation.CheckRequest{Stock: stock, Lines: w.lines, Mode: w.mode()}
		return func(ctx context.Context, on target) (any, error) {
			return on.Check(ctx, request)
		}, nil
	}
	id, err := w.name()
	if err != nil {
		return nil, err
	}
	request := reservation.RestockRequest{Stock: stock, Lines: w.lines}
	if request.Request, err = reservation.ParseRequestID(id); err != nil {
		return nil, err
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Restock(ctx, request)
	}, nil
}

func (w words) parsePolicy(stock reservation.StockID) (doFunc, error) {
	change, err := w.change()
	if err != nil {
		return nil, err
	}
	switch w.verb {
	case "set-default":
		return func(ctx context.Context, on target) (any, error) {
			return on.SetDefaultPolicy(ctx, stock, change)
		}, nil
	case "get-default":
		return func(ctx context.Context, on target) (any, error) {
			return on.DefaultPolicy(ctx, stock)
		}, nil
	}
	skus, err := w.skus()
	if err != nil || len(skus) != 1 {
		return nil, errors.Join(err, errors.New("names no SKU or several"))
	}
	if w.verb == "get-policy" {
		return func(ctx context.Context, on target) (any, error) {
			return on.Policy(ctx, stock, skus[0])
		}, nil
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.SetPolicy(ctx, stock, skus[0], change)
	}, nil
}

func (w words) parseItems(stock reservation.StockID) (doFunc, error) {
	skus, err := w.skus()
	if err != nil {
		return nil, err
	}
	switch {
	case w.verb == "list":
		return w.parseList(stock)
	case len(skus) == 0:
		return nil, errors.New("names no SKU")
	case w.verb == "delete":
		return func(ctx context.Context, on target) (any, error) {
			return on.DeleteItem(ctx, stock, skus[0])
		}, nil
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Items(ctx, stock, skus)
	}, nil
}

func (w words) parseList(stock reservation.StockID) (doFunc, error) {
	request := reservation.ListRequest{Stock: stock}
	var err error
	if after, named := w.options["after"]; named {
		if request.After, err = parseSKU(after); err != nil {
			return nil, err
		}
	}
	limit, err := w.number("limit")
	if err != nil {
		return nil, err
	}
	request.Limit = int(limit)
	return func(ctx context.Context, on target) (any, error) {
		return on.List(ctx, request)
	}, nil
}

// swept, handled and purged are the answers of the housekeeping.
type (
	swept   int
	handled int
	purged  int
)

func (w words) parseHousekeeping(stock reservation.StockID) (doFunc, error) {
	if len(w.names)+w.lines.Len()+len(w.options) > 0 {
		return nil, errors.New("takes nothing")
	}
	switch w.verb {
	case "sweep":
		return func(ctx context.Context, on target) (any, error) {
			n, err := on.Sweep(ctx, stock)
			return swept(n), err
		}, nil
	case "drain":
		return func(ctx context.Context, on target) (any, error) {
			n, err := on.Drain(ctx, stock)
			return handled(n), err
		}, nil
	}
	return func(ctx context.Context, on target) (any, error) {
		n, err := on.Purge(ctx, stock)
		return purged(n), err
	}, nil
}

// stamp returns where and when a mutation was decided; ok is false for reads and replays.
func (o outcome) stamp() (stamp reservation.Stamp, ok bool) {
	if o.Refusal != nil {
		return o.Refusal.Stamp, true
	}
	switch answer := o.Answer.(type) {
	case reservation.ReserveAnswer:
		return answer.Stamp, !answer.Replayed
	case reservation.ReleaseAnswer:
		return answer.Stamp, !answer.Replayed
	case reservation.ChangeAnswer:
		return answer.Stamp, !answer.Replayed
	case reservation.RestockAnswer:
		return answer.Stamp, !answer.Replayed
	case reservation.OnHandAnswer:
		return answer.Stamp, !answer.Replayed
	case reservation.PolicyAnswer:
		return answer.Stamp, answer.Stamp != reservation.Stamp{}
	case reservation.Stamp:
		return answer, true
	}
	return reservation.Stamp{}, false
}
