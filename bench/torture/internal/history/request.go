package history

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	domain "github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// call is a request as the model takes it.
type call func(ctx context.Context, on *model.Model) (any, error)

// parser turns parts of a request into the domain's types and keeps the first error.
type parser struct{ err error }

func parsed[T any](p *parser, parse func(string) (T, error), text string) T {
	value, err := parse(text)
	p.err = errors.Join(p.err, err)
	return value
}

// optional leaves an empty text out.
func optional[T any](p *parser, parse func(string) (T, error), text string) (value T) {
	if text == "" {
		return value
	}
	return parsed(p, parse, text)
}

func (p *parser) lines(list []*holdfastv1.LineQuantity) domain.Lines {
	if len(list) == 0 {
		return domain.Lines{}
	}
	var lines []domain.Line
	for _, l := range list {
		quantity, err := domain.NewQuantity(l.GetQuantity())
		p.err = errors.Join(p.err, err)
		lines = append(lines,
			domain.Line{SKU: parsed(p, domain.ParseSKU, l.GetSku()), Quantity: quantity})
	}
	all, err := domain.NewLines(lines)
	p.err = errors.Join(p.err, err)
	return all
}

func mode(m holdfastv1.ReserveMode) domain.Mode {
	if m == holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL {
		return domain.ModePartial
	}
	return domain.ModeAllOrNothing
}

// callOf reads a request.
func callOf(message proto.Message) (call, error) {
	p := &parser{}
	named, ok := message.(interface{ GetStockId() string })
	if !ok {
		return nil, fmt.Errorf("a %T names no stock", message)
	}
	do := p.call(message, parsed(p, domain.ParseStockID, named.GetStockId()))
	if do == nil {
		return nil, fmt.Errorf("a %T is not known here", message)
	}
	return do, p.err
}

func (p *parser) call(message proto.Message, stock domain.StockID) call {
	switch m := message.(type) {
	case *holdfastv1.ReserveRequest:
		return p.reserve(m, stock)
	case *holdfastv1.CommitRequest:
		request := domain.CommitRequest{
			Stock: stock, ID: parsed(p, domain.ParseReservationID, m.GetReservationId()),
			Reacquire: m.GetReacquire(),
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Commit(ctx, request)
		}
	case *holdfastv1.ExtendRequest:
		ttl, err := domain.NewTTL(m.GetTtl().AsDuration())
		p.err = errors.Join(p.err, err)
		request := domain.ExtendRequest{
			Stock: stock, ID: parsed(p, domain.ParseReservationID, m.GetReservationId()), TTL: ttl,
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Extend(ctx, request)
		}
	case *holdfastv1.ReleaseRequest:
		request := domain.ReleaseRequest{
			Stock: stock, ID: parsed(p, domain.ParseReservationID, m.GetReservationId()),
			Request: optional(p, domain.ParseRequestID, m.GetRequestId()),
			Lines:   p.lines(m.GetLines()), AllowMissing: m.GetAllowMissing(),
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Release(ctx, request)
		}
	case *holdfastv1.FulfillRequest:
		request := domain.FulfillRequest{
			Stock: stock, ID: parsed(p, domain.ParseReservationID, m.GetReservationId()),
			Request: optional(p, domain.ParseRequestID, m.GetRequestId()),
			Lines:   p.lines(m.GetLines()),
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Fulfill(ctx, request)
		}
	}
	return p.stockCall(message, stock)
}

func (p *parser) reserve(m *holdfastv1.ReserveRequest, stock domain.StockID) call {
	request := domain.ReserveRequest{
		Stock: stock, ID: parsed(p, domain.ParseReservationID, m.GetReservationId()),
		Lines: p.lines(m.GetLines()), Mode: mode(m.GetMode()),
		Replaces: optional(p, domain.ParseReservationID, m.GetReplaces()),
	}
	if m.GetTtl() != nil {
		ttl, err := domain.NewTTL(m.GetTtl().AsDuration())
		p.err = errors.Join(p.err, err)
		request.TTL = ttl
	}
	return func(ctx context.Context, on *model.Model) (any, error) {
		return on.Reserve(ctx, request)
	}
}

// stockCall reads the warehouse's requests and those that only look.
func (p *parser) stockCall(message proto.Message, stock domain.StockID) call {
	switch m := message.(type) {
	case *holdfastv1.GetReservationRequest:
		id := parsed(p, domain.ParseReservationID, m.GetReservationId())
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Get(ctx, stock, id)
		}
	case *holdfastv1.CheckAvailabilityRequest:
		request := domain.CheckRequest{
			Stock: stock, Lines: p.lines(m.GetLines()), Mode: mode(m.GetMode()),
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Check(ctx, request)
		}
	case *holdfastv1.RestockRequest:
		request := domain.RestockRequest{
			Stock: stock, Request: parsed(p, domain.ParseRequestID, m.GetRequestId()),
			Lines: p.lines(m.GetLines()),
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Restock(ctx, request)
		}
	case *holdfastv1.AdjustStockRequest:
		return p.adjust(m, stock)
	case *holdfastv1.SetStockRequest:
		return p.setStock(m, stock)
	case *holdfastv1.SetPolicyRequest:
		return p.setPolicy(m, stock)
	case *holdfastv1.BatchGetStockRequest:
		var skus []domain.SKU
		for _, name := range m.GetSkus() {
			skus = append(skus, parsed(p, domain.ParseSKU, name))
		}
		return func(ctx context.Context, on *model.Model) (any, error) {
			return on.Items(ctx, stock, skus)
		}
	}
	return nil
}

func (p *parser) adjust(m *holdfastv1.AdjustStockRequest, stock domain.StockID) call {
	request := domain.AdjustRequest{
		Stock: stock, Request: parsed(p, domain.ParseRequestID, m.GetRequestId()),
	}
	for _, l := range m.GetLines() {
		delta, err := domain.NewDelta(l.GetDelta())
		p.err = errors.Join(p.err, err)
		request.Lines = append(request.Lines, domain.AdjustLine{
			SKU: parsed(p, domain.ParseSKU, l.GetSku()), Delta: delta,
			Reason: parsed(p, domain.ParseAdjustReason, l.GetReason()),
		})
	}
	return func(ctx context.Context, on *model.Model) (any, error) {
		return on.Adjust(ctx, request)
	}
}

func (p *parser) setStock(m *holdfastv1.SetStockRequest, stock domain.StockID) call {
	request := domain.SetStockRequest{
		Stock: stock, Request: parsed(p, domain.ParseRequestID, m.GetRequestId()),
	}
	for _, l := range m.GetLines() {
		counted := domain.CountLine{
			SKU: parsed(p, domain.ParseSKU, l.GetSku()), OnHand: l.GetOnHandQuantity(),
		}
		if l.ExpectedOnHandQuantity != nil {
			counted.Expected = domain.Some(l.GetExpectedOnHandQuantity())
		}
		request.Lines = append(request.Lines, counted)
	}
	return func(ctx context.Context, on *model.Model) (any, error) {
		return on.SetStock(ctx, request)
	}
}

// setPolicy reads what the histories set: whether a SKU may be backordered, and how far.
func (p *parser) setPolicy(m *holdfastv1.SetPolicyRequest, stock domain.StockID) call {
	sku := parsed(p, domain.ParseSKU, m.GetSku())
	change := domain.PolicyChange{
		Fields: []domain.PolicyField{domain.FieldBackorderMode, domain.FieldBackorderLimit},
		Policy: domain.Policy{
			BackorderMode:  domain.Some(domain.BackorderDeny),
			BackorderLimit: domain.Some(m.GetPolicy().GetBackorderLimit()),
		},
	}
	if m.GetPolicy().GetBackorderMode() == holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW {
		change.Policy.BackorderMode = domain.Some(domain.BackorderAllow)
	}
	return func(ctx context.Context, on *model.Model) (any, error) {
		return on.SetPolicy(ctx, stock, sku, change)
	}
}
