package server

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// partParser reads one part of an export.
type partParser struct {
	parser

	index int // of the part in its request
}

func (p *partParser) note(field string, err error) { p.checkItem("parts", p.index, field, err) }

func (p *partParser) part(in *holdfastv1.ExportPart) reservation.ExportPart {
	var out reservation.ExportPart
	switch part := in.GetPart().(type) {
	case *holdfastv1.ExportPart_Item:
		out.Item = p.item(part.Item)
	case *holdfastv1.ExportPart_Reservation:
		out.Reservation = p.kept(part.Reservation)
		out.Late = part.Reservation.GetLate()
	case *holdfastv1.ExportPart_Request:
		out.Request = p.request(part.Request)
	case *holdfastv1.ExportPart_DefaultPolicy:
		out.Default = p.policyOf(policyOwner{isDefault: true}, part.DefaultPolicy)
	case *holdfastv1.ExportPart_ItemAmendment:
		out.ItemAmendment = p.itemAmendment(part.ItemAmendment)
	case *holdfastv1.ExportPart_ReservationAmendment:
		out.ReservationAmendment = p.amendment(part.ReservationAmendment)
	case *holdfastv1.ExportPart_End:
		out.End = exportEnd(part.End)
	default:
		p.note("part", errPartMissing)
	}
	return out
}

func (p *partParser) skuOf(field, name string) reservation.SKU {
	sku, err := reservation.ParseSKU(name)
	p.note(field, err)
	return sku
}

func (p *partParser) idOf(field, name string) reservation.ReservationID {
	id, err := reservation.ParseReservationID(name)
	p.note(field, err)
	return id
}

// units reads a figure: within the largest one in size, and not below lowest.
func (p *partParser) units(field string, in, lowest int64) int64 {
	if in < lowest || in > reservation.MaxFigure {
		p.note(field, fmt.Errorf("is %d, must be %d to %d", in, lowest,
			int64(reservation.MaxFigure)))
	}
	return in
}

// delta reads by how much a figure moved.
func (p *partParser) delta(field string, in int64) int64 {
	return p.units(field, in, -reservation.MaxFigure)
}

// maxStored is the largest number that a store keeps exactly: scripts print larger ones otherwise.
const maxStored = 10_000_000_000_000

// number reads a sequence or a term.
func (p *partParser) number(field string, in int64) int64 {
	if in < 0 || in > maxStored {
		p.note(field, fmt.Errorf("is %d, must be 0 to %d", in, int64(maxStored)))
	}
	return in
}

func (p *partParser) time(field string, in *timestamppb.Timestamp) time.Time {
	if in == nil {
		return time.Time{}
	}
	p.note(field, in.CheckValid())
	p.number(field, in.AsTime().UnixMilli())
	return in.AsTime().Truncate(time.Millisecond)
}

func (p *partParser) duration(field string, in *durationpb.Duration) time.Duration {
	if in == nil {
		return 0
	}
	p.note(field, in.CheckValid())
	p.number(field, in.AsDuration().Milliseconds())
	return in.AsDuration().Truncate(time.Millisecond)
}

// policyOf reads a policy; its own violations name its fields.
func (p *partParser) policyOf(
	owner policyOwner, in *holdfastv1.Policy,
) *reservation.Policy {
	policy := p.policy(owner, in)
	return &policy
}

func (p *partParser) item(in *holdfastv1.ExportedItem) *reservation.KeptItem {
	sku := p.skuOf("item.sku", in.GetSku())
	return &reservation.KeptItem{
		SKU:      sku,
		OnHand:   p.units("item.on_hand_quantity", in.GetOnHandQuantity(), 0),
		Reserved: p.units("item.reserved_quantity", in.GetReservedQuantity(), 0),
		Queued:   p.units("item.queued_quantity", in.GetQueuedQuantity(), 0),
		Filling:  p.units("item.filling_quantity", in.GetFillingQuantity(), 0),
		Own:      *p.policyOf(policyOwner{sku: sku}, in.GetPolicy()),
	}
}

func (p *partParser) stateOf(
	field string, in holdfastv1.ReservationState, optional bool,
) reservation.State {
	for state := reservation.StateHeld; state <= reservation.StateExpired; state++ {
		if stateMessage(state) == in {
			return state
		}
	}
	if !optional || in != holdfastv1.ReservationState_RESERVATION_STATE_UNSPECIFIED {
		p.note(field, errUnknownValue)
	}
	return 0
}

func (p *partParser) kept(in *holdfastv1.ExportedReservation) *reservation.KeptReservation {
	out := &reservation.KeptReservation{
		ID:          p.idOf("reservation.reservation_id", in.GetReservationId()),
		State:       p.stateOf("reservation.state", in.GetState(), false),
		Fingerprint: p.text("reservation.fingerprint", in.GetFingerprint()),
		CreateTime:  p.time("reservation.create_time", in.GetCreateTime()),
		TTL:         p.duration("reservation.ttl", in.GetTtl()),
		ExpireTime:  p.time("reservation.expire_time", in.GetExpireTime()),
		Sequence:    p.number("reservation.sequence", in.GetSequence()),
		Term:        p.number("reservation.term", in.GetTerm()),
		TermTime:    p.time("reservation.term_time", in.GetTermTime()),
		ForgetTime:  p.time("reservation.forget_time", in.GetForgetTime()),
		ByRelease:   in.GetByRelease(),
	}
	if len(in.GetLines()) > reservation.MaxLines {
		p.note("reservation.lines", fmt.Errorf("has %d lines, at most %d are allowed",
			len(in.GetLines()), reservation.MaxLines))
		return out
	}
	for i, line := range in.GetLines() {
		out.Lines = append(out.Lines, p.line(fmt.Sprintf("reservation.lines[%d]", i), line))
	}
	return out
}

// text reads a short text that only the store understands: one word of ASCII, or none.
func (p *partParser) text(field, in string) string {
	if len(in) > maxNameSize {
		p.note(field, fmt.Errorf("is %d bytes long, at most %d are allowed", len(in), maxNameSize))
	}
	if strings.ContainsFunc(in, func(r rune) bool { return r <= ' ' || r > '~' }) {
		p.note(field, errors.New("must be one word of printable ASCII"))
	}
	return in
}

func (p *partParser) line(field string, in *holdfastv1.ExportedLine) reservation.KeptLine {
	units := func(name string, in int64) int64 { return p.units(field+"."+name, in, 0) }
	out := reservation.KeptLine{
		SKU:              p.skuOf(field+".sku", in.GetSku()),
		Requested:        units("requested_quantity", in.GetRequestedQuantity()),
		Granted:          units("granted_quantity", in.GetGrantedQuantity()),
		FirstBackordered: units("first_backordered_quantity", in.GetFirstBackorderedQuantity()),
		FirstAvailable: p.delta(field+".first_available_quantity",
			in.GetFirstAvailableQuantity()),
		Counted:     in.GetCounted(),
		First:       p.hints(field+".first", in.GetFirst()),
		Covered:     units("covered_quantity", in.GetCoveredQuantity()),
		Backordered: units("backordered_quantity", in.GetBackorderedQuantity()),
		Fulfilled:   units("fulfilled_quantity", in.GetFulfilledQuantity()),
		Joined:      p.number(field+".queued_sequence", in.GetQueuedSequence()),
	}
	if in.GetAgain() != nil {
		out.Again = reservation.Some(p.hints(field+".again", in.GetAgain()))
	}
	out.Reason = p.lineReason(field+".refusal_reason", in.GetRefusalReason())
	if out.Reason != 0 && in.OrderableQuantity != nil {
		out.Orderable = reservation.Some(units("orderable_quantity", in.GetOrderableQuantity()))
	}
	return out
}

// lineReason reads why a line got less than it asked for; unspecified: it did not.
func (p *partParser) lineReason(
	field string, in holdfastv1.LineRefusalReason,
) reservation.LineReason {
	if in == holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_UNSPECIFIED {
		return 0
	}
	for reason := reservation.LineNotSellable; reason <= reservation.LineInsufficientStock; reason++ {
		if lineReasonMessage(reason) == in {
			return reason
		}
	}
	p.note(field, errUnknownValue)
	return 0
}

func (p *partParser) hints(field string, in *holdfastv1.GrantHints) reservation.GrantHints {
	out := reservation.GrantHints{Notify: in.GetNotifyCustomer()}
	if in.GetRestockTime() != nil {
		out.RestockTime = reservation.Some(p.time(field+".restock_time", in.GetRestockTime()))
	}
	if len(in.GetSubstitutes()) > reservation.MaxSubstitutes {
		p.note(field+".substitutes", fmt.Errorf("has %d SKUs, at most %d are allowed",
			len(in.GetSubstitutes()), reservation.MaxSubstitutes))
		return out
	}
	for _, name := range in.GetSubstitutes() {
		out.Substitutes = append(out.Substitutes, p.skuOf(field+".substitutes", name))
	}
	return out
}

func (p *partParser) request(in *holdfastv1.ExportedRequest) *reservation.KeptRequest {
	id, err := reservation.ParseRequestID(in.GetRequestId())
	p.note("request.request_id", err)
	out := &reservation.KeptRequest{
		ID: id, Fingerprint: p.text("request.fingerprint", in.GetFingerprint()),
		Sequence:   p.number("request.sequence", in.GetSequence()),
		CreateTime: p.time("request.create_time", in.GetCreateTime()),
		ForgetTime: p.time("request.forget_time", in.GetForgetTime()),
	}
	if len(in.GetAnswer()) != len(out.Answer) {
		p.note("request.answer", fmt.Errorf("has %d parts, must have %d", len(in.GetAnswer()),
			len(out.Answer)))
		return out
	}
	for i, text := range in.GetAnswer() {
		out.Answer[i] = string(text)
		if strings.ContainsFunc(out.Answer[i], isForeignControl) {
			p.note("request.answer", errors.New("holds a control character that no answer has"))
		}
	}
	return out
}

// isForeignControl says of a character that no answer is written with it: it parts lines by
// newlines, and what a line tells by the units and records of ASCII.
func isForeignControl(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\x1e' && r != '\x1f'
}

func (p *partParser) itemAmendment(in *holdfastv1.ItemAmendment) *reservation.ItemAmendment {
	out := &reservation.ItemAmendment{
		SKU: p.skuOf("item_amendment.sku", in.GetSku()), Anew: in.GetAnew(), Gone: in.GetGone(),
		OnHand:   p.delta("item_amendment.on_hand_delta", in.GetOnHandDelta()),
		Reserved: p.delta("item_amendment.reserved_delta", in.GetReservedDelta()),
		Queued:   p.delta("item_amendment.queued_delta", in.GetQueuedDelta()),
	}
	if in.GetPolicy() != nil {
		out.Own = p.policyOf(policyOwner{sku: out.SKU}, in.GetPolicy())
	}
	return out
}

func (p *partParser) amendment(
	in *holdfastv1.ReservationAmendment,
) *reservation.ReservationAmendment {
	const about = "reservation_amendment."
	out := &reservation.ReservationAmendment{
		ID: p.idOf(about+"reservation_id", in.GetReservationId()), Born: in.GetBorn(),
		State:      p.stateOf(about+"state", in.GetState(), true),
		ExpireTime: p.time(about+"expire_time", in.GetExpireTime()),
		ForgetTime: p.time(about+"forget_time", in.GetForgetTime()),
		Term:       p.number(about+"term", in.GetTerm()),
		TermTime:   p.time(about+"term_time", in.GetTermTime()),
		ByRelease:  in.GetByRelease(),
	}
	if len(in.GetLines()) > reservation.MaxLines {
		p.note(about+"lines", fmt.Errorf("has %d lines, at most %d are allowed",
			len(in.GetLines()), reservation.MaxLines))
		return out
	}
	for i, line := range in.GetLines() {
		field := fmt.Sprintf("%slines[%d].", about, i)
		change := reservation.LineAmendment{
			Index:       int(line.GetLineIndex()),
			Covered:     p.delta(field+"covered_delta", line.GetCoveredDelta()),
			Backordered: p.delta(field+"backordered_delta", line.GetBackorderedDelta()),
			Fulfilled:   p.delta(field+"fulfilled_delta", line.GetFulfilledDelta()),
			Joined:      p.number(field+"queued_sequence", line.GetQueuedSequence()),
		}
		if line.GetAgain() != nil {
			change.Again = reservation.Some(p.hints(field+"again", line.GetAgain()))
		}
		out.Lines = append(out.Lines, change)
	}
	return out
}

func exportEnd(in *holdfastv1.ExportEnd) *reservation.ExportEnd {
	position := func(in *holdfastv1.Position) reservation.Position {
		return reservation.Position{Epoch: in.GetEpoch(), Sequence: in.GetSequence()}
	}
	out := &reservation.ExportEnd{
		Position: position(in.GetPosition()), Items: in.GetItems(),
		Reservations: in.GetReservations(), Requests: in.GetRequests(),
		Amendments: in.GetAmendments(),
	}
	for _, began := range in.GetEpochs() {
		out.Epochs = append(out.Epochs, position(began))
	}
	return out
}
