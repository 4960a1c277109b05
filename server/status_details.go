package server

import (
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// maxStatusSize bounds the encoded google.rpc.Status, in bytes. It travels as a trailer, in
	// base64, beside the message once more; gRPC's C core refuses trailers over 8 KiB and its
	// callers would see an overload that is none (contract, section 5).
	maxStatusSize = 4 << 10
	// maxMessageSize bounds a message, in bytes: percent-encoded it can grow threefold.
	maxMessageSize = 512
	// defaultRetryAfter is what an overloaded stock asks for when the store names no time.
	defaultRetryAfter = 100 * time.Millisecond
	// skuResource is the type of a google.rpc.ResourceInfo that names a SKU.
	skuResource = "holdfast.dev/SKU"

	typePrefix      = "type.googleapis.com/"
	errorInfoType   = typePrefix + "google.rpc.ErrorInfo"
	badRequestType  = typePrefix + "google.rpc.BadRequest"
	resourceType    = typePrefix + "google.rpc.ResourceInfo"
	retryInfoType   = typePrefix + "google.rpc.RetryInfo"
	lineRefusalType = typePrefix + "holdfast.v1.LineRefusal"
)

// Field numbers of google.rpc and of google.protobuf.Any, for sizes and for errorInfo.
const (
	statusCodeField    = protowire.Number(1)
	statusMessageField = protowire.Number(2)
	statusDetailsField = protowire.Number(3)
	anyTypeField       = protowire.Number(1)
	anyValueField      = protowire.Number(2)
	infoReasonField    = protowire.Number(1)
	infoDomainField    = protowire.Number(2)
	infoMetadataField  = protowire.Number(3)
	mapKeyField        = protowire.Number(1)
	mapValueField      = protowire.Number(2)
	violationsField    = protowire.Number(1)
)

// errorInfo is a google.rpc.ErrorInfo in the making. It encodes itself: refusals are as frequent as
// grants when a sold-out SKU is hot, and a Go map with its encoding was the largest part of one.
type errorInfo struct {
	reason reservation.Reason
	facts  []fact
	// isList says that the details are a list, which may have to be cut.
	isList bool
}

type fact struct{ key, value string }

func newErrorInfo(reason reservation.Reason, about subject) *errorInfo {
	info := &errorInfo{reason: reason, facts: make([]fact, 0, 8)}
	info.add("stock_id", about.stock)
	info.add("reservation_id", about.reservation)
	info.add("replaces", about.replaces)
	info.add("request_id", about.request)
	info.add("sku", about.sku)
	return info
}

// add adds a fact; an empty value is none.
func (i *errorInfo) add(key, value string) {
	if value != "" {
		i.facts = append(i.facts, fact{key, value})
	}
}

func (i *errorInfo) addNumber(key string, n int64) { i.add(key, strconv.FormatInt(n, 10)) }

// addCount says how many things the list of details would hold in full.
func (i *errorInfo) addCount(key string, n int) {
	i.addNumber(key, int64(n))
	i.isList = true
}

func (i *errorInfo) encode(truncated bool) []byte {
	b := make([]byte, 0, 256)
	b = appendString(b, infoReasonField, i.reason.String())
	b = appendString(b, infoDomainField, ErrorDomain)
	for _, f := range i.facts {
		b = appendFact(b, f)
	}
	if i.isList {
		b = appendFact(b, fact{"truncated", strconv.FormatBool(truncated)})
	}
	return b
}

func appendFact(b []byte, f fact) []byte {
	b = protowire.AppendTag(b, infoMetadataField, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(
		fieldSize(mapKeyField, len(f.key))+fieldSize(mapValueField, len(f.value))))
	b = appendString(b, mapKeyField, f.key)
	return appendString(b, mapValueField, f.value)
}

func appendString(b []byte, field protowire.Number, value string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, value)
}

// fieldSize returns the encoded size of a string, bytes or message field of n bytes.
func fieldSize(field protowire.Number, n int) int {
	return protowire.SizeTag(field) + protowire.SizeBytes(n)
}

// statusBuilder gathers details in order, as many as fit. Each is encoded once and its size added
// up; after the first that does not fit none is looked at.
type statusBuilder struct {
	proto     *spb.Status
	info      *errorInfo
	room      int
	truncated bool
}

func newStatusBuilder(code codes.Code, message string, info *errorInfo) *statusBuilder {
	message = cut(message, maxMessageSize)
	b := &statusBuilder{
		proto: &spb.Status{Code: int32(code), Message: message, Details: make([]*anypb.Any, 0, 2)},
		info:  info,
	}
	b.room = maxStatusSize - fieldSize(statusMessageField, len(message)) -
		protowire.SizeTag(statusCodeField) - protowire.SizeVarint(uint64(code))
	// The length of "false", so that a later "true" always fits.
	b.add(errorInfoType, info.encode(false))
	return b
}

// add adds an encoded detail if it fits.
func (b *statusBuilder) add(typeURL string, value []byte) bool {
	size := fieldSize(statusDetailsField,
		fieldSize(anyTypeField, len(typeURL))+fieldSize(anyValueField, len(value)))
	if size > b.room {
		b.truncated = true
		return false
	}
	b.room -= size
	b.proto.Details = append(b.proto.Details, &anypb.Any{TypeUrl: typeURL, Value: value})
	return true
}

// addMessage adds a detail if it fits.
func (b *statusBuilder) addMessage(typeURL string, message proto.Message) bool {
	value, err := proto.Marshal(message)
	if err != nil {
		// Only invalid UTF-8 fails, and parsing let none pass: leave the detail out, keep the
		// reason.
		b.truncated = true
		return false
	}
	return b.add(typeURL, value)
}

func (b *statusBuilder) addRetry(e *reservation.Error) {
	after := e.RetryAfter
	if after <= 0 {
		if e.Reason != reservation.ReasonOverloaded {
			return
		}
		after = defaultRetryAfter
	}
	b.addMessage(retryInfoType, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
}

func (b *statusBuilder) addRefusals(refusals []reservation.LineRefusal) {
	var message holdfastv1.LineRefusal
	for i := range refusals {
		fillRefusal(&message, &refusals[i])
		if !b.addMessage(lineRefusalType, &message) {
			return
		}
	}
}

func (b *statusBuilder) addSKUs(skus []reservation.SKU) {
	message := errdetails.ResourceInfo{ResourceType: skuResource}
	for _, sku := range skus {
		message.ResourceName = sku.String()
		if !b.addMessage(resourceType, &message) {
			return
		}
	}
}

// addViolations adds one google.rpc.BadRequest with as many violations as fit into it.
func (b *statusBuilder) addViolations(invalid *invalidRequest) {
	// What stands around the violations, with lengths written as for a full status.
	room := b.room - fieldSize(anyTypeField, len(badRequestType)) -
		fieldSize(anyValueField, maxStatusSize) + maxStatusSize -
		fieldSize(statusDetailsField, maxStatusSize) + maxStatusSize
	kept := 0
	for _, violation := range invalid.violations {
		room -= fieldSize(violationsField, proto.Size(violation))
		if room < 0 {
			break
		}
		kept++
	}
	b.addMessage(badRequestType, &errdetails.BadRequest{FieldViolations: invalid.violations[:kept]})
	if kept < invalid.count {
		b.truncated = true
	}
}

// status returns the finished status.
func (b *statusBuilder) status() *spb.Status {
	if b.truncated && b.info.isList {
		b.proto.Details[0].Value = b.info.encode(true)
	}
	return b.proto
}
