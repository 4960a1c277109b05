package server

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// parser reads the fields of one request and collects every violation on the way, so that the
// caller learns of all of them at once. The values it returns mean nothing once there is one.
type parser struct {
	violations []*errdetails.BadRequest_FieldViolation
	size       int // of violations, encoded
	count      int // of all violations, also those not kept
}

// invalidRequest is a breach of shape or limits. Its violations are the first that can fit into a
// status, in the order of the fields; count is how many there are.
type invalidRequest struct {
	violations []*errdetails.BadRequest_FieldViolation
	count      int
}

// Error names the first violation.
func (e *invalidRequest) Error() string {
	first := e.violations[0]
	sentence := first.GetField() + " " + first.GetDescription()
	if e.count > 1 {
		sentence += fmt.Sprintf("; %d violations in all", e.count)
	}
	return sentence
}

// err returns the violations, or nil when there is none.
func (p *parser) err() error {
	if p.count == 0 {
		return nil
	}
	return &invalidRequest{violations: p.violations, count: p.count}
}

// isFull says that a further violation would not fit into a status: it is counted, not written
// down.
func (p *parser) isFull() bool { return p.size > maxStatusSize }

// refuse adds a violation of a field. The description continues the field's name to a sentence.
func (p *parser) refuse(field, description string) {
	p.count++
	if p.isFull() {
		return
	}
	p.violations = append(p.violations, &errdetails.BadRequest_FieldViolation{
		Field: field, Description: description,
	})
	p.size += len(field) + len(description)
}

// check adds err, if there is one, as a violation of a field.
func (p *parser) check(field string, err error) {
	if err != nil {
		p.refuse(field, err.Error())
	}
}

// checkItem adds err as a violation of list[index], or of a field of it when field has a name.
func (p *parser) checkItem(list string, index int, field string, err error) {
	switch {
	case err == nil:
	case p.isFull():
		p.count++
	default:
		name := list + "[" + strconv.Itoa(index) + "]"
		if field != "" {
			name += "." + field
		}
		p.refuse(name, err.Error())
	}
}

var (
	errMissing      = errors.New("is missing")
	errUnknownValue = errors.New("is not a value that this server knows")
)

func (p *parser) stock(name string) reservation.StockID {
	id, err := reservation.ParseStockID(name)
	p.check("stock_id", err)
	return id
}

func (p *parser) reservationID(field, name string) reservation.ReservationID {
	id, err := reservation.ParseReservationID(name)
	p.check(field, err)
	return id
}

func (p *parser) optionalReservationID(field, name string) reservation.ReservationID {
	if name == "" {
		return reservation.ReservationID{}
	}
	return p.reservationID(field, name)
}

func (p *parser) requestID(name string) reservation.RequestID {
	id, err := reservation.ParseRequestID(name)
	p.check("request_id", err)
	return id
}

func (p *parser) sku(name string) reservation.SKU {
	sku, err := reservation.ParseSKU(name)
	p.check("sku", err)
	return sku
}

// skus reads a list of 1 to MaxPageSize SKUs. The elements of a longer list are not looked at: its
// length is violation enough, and a hostile one must not cost more than an honest one.
func (p *parser) skus(field string, names []string) []reservation.SKU {
	if len(names) < 1 || len(names) > reservation.MaxPageSize {
		p.refuse(field, fmt.Sprintf("has %d SKUs, must have 1 to %d",
			len(names), reservation.MaxPageSize))
		return nil
	}
	skus := make([]reservation.SKU, len(names))
	for i, name := range names {
		sku, err := reservation.ParseSKU(name)
		p.checkItem(field, i, "", err)
		skus[i] = sku
	}
	return skus
}

// lines reads 1 to MaxLines lines; of a longer list only the length is looked at, as in skus.
func (p *parser) lines(in []*holdfastv1.LineQuantity) reservation.Lines {
	if len(in) > reservation.MaxLines {
		p.refuse("lines", wrongLineCount(len(in)))
		return reservation.Lines{}
	}
	list := make([]reservation.Line, len(in))
	for i, line := range in {
		if line == nil {
			p.checkItem("lines", i, "", errMissing)
			continue
		}
		sku, err := reservation.ParseSKU(line.GetSku())
		p.checkItem("lines", i, "sku", err)
		quantity, err := reservation.NewQuantity(line.GetQuantity())
		p.checkItem("lines", i, "quantity", err)
		list[i] = reservation.Line{SKU: sku, Quantity: quantity}
	}
	lines, err := reservation.NewLines(list)
	p.check("lines", err)
	return lines
}

func wrongLineCount(n int) string {
	return fmt.Sprintf("has %d lines, must have 1 to %d", n, reservation.MaxLines)
}

// part reads the request id and the lines of a call on a part of a reservation. They stand only
// together; neither of them means everything.
func (p *parser) part(
	requestID string, in []*holdfastv1.LineQuantity,
) (reservation.RequestID, reservation.Lines) {
	if len(in) == 0 {
		if requestID != "" {
			p.refuse("request_id", "stands only with lines")
		}
		return reservation.RequestID{}, reservation.Lines{}
	}
	request := p.requestID(requestID)
	return request, p.lines(in)
}

// ttl reads how long a hold lasts; absent is no hold, unless it is required.
func (p *parser) ttl(in *durationpb.Duration, required bool) reservation.TTL {
	if in == nil {
		if required {
			p.refuse("ttl", "is required by this server")
		}
		return reservation.TTL{}
	}
	if in.CheckValid() != nil {
		p.refuse("ttl", "is not a valid duration")
		return reservation.TTL{}
	}
	ttl, err := reservation.NewTTL(in.AsDuration())
	p.check("ttl", err)
	return ttl
}

func (p *parser) mode(in holdfastv1.ReserveMode) reservation.Mode {
	switch in {
	case holdfastv1.ReserveMode_RESERVE_MODE_UNSPECIFIED,
		holdfastv1.ReserveMode_RESERVE_MODE_ALL_OR_NOTHING:
		return reservation.ModeAllOrNothing
	case holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL:
		return reservation.ModePartial
	}
	p.check("mode", errUnknownValue)
	return reservation.ModeAllOrNothing
}

// pageSize reads how many items a page has; 0 means DefaultPageSize.
func (p *parser) pageSize(size int32) int {
	if size < 0 || size > reservation.MaxPageSize {
		p.refuse("page_size", fmt.Sprintf("is %d, must be 0 to %d", size, reservation.MaxPageSize))
	}
	if size == 0 {
		return reservation.DefaultPageSize
	}
	return int(size)
}

// figure reads an optional number of units within a range.
func (p *parser) figure(
	field string, in *int64, lowest, highest int64,
) reservation.Optional[int64] {
	if in == nil {
		return reservation.Optional[int64]{}
	}
	if *in < lowest || *in > highest {
		p.refuse(field, fmt.Sprintf("is %d, must be %d to %d", *in, lowest, highest))
	}
	return reservation.Some(*in)
}
