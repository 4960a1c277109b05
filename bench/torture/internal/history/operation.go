package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Operation is one call and what it was answered, as a line of a history file.
type Operation struct {
	Stock  string `json:"stock"`
	Client int    `json:"client"`
	// Call and Return are nanoseconds since the history began.
	Call   int64 `json:"call"`
	Return int64 `json:"return"`
	// Kind is the request's message, without its package.
	Kind    string          `json:"kind"`
	Request json.RawMessage `json:"request"`
	// Reply is the answer; nil where the outcome is not known.
	Reply *reply `json:"reply,omitempty"`
	// StoreTime is when the store answered, ms; 0: it did not say.
	StoreTime int64 `json:"store_time,omitempty"`
	// SettlesAt is when an outcome that is not known is final, ms of store time; 0: never.
	SettlesAt int64 `json:"settles_at,omitempty"`
	// Error is why the outcome is not known.
	Error string `json:"error,omitempty"`
	// NothingDone is why nothing was done, as the answer says: then the call is written down for
	// who reads the file, and has no place in any order.
	NothingDone string `json:"nothing_done,omitempty"`

	message  proto.Message
	run      call
	isResent bool // not a caller's, but what a server may have sent before
}

// isKnown says whether the outcome is known.
func (o *Operation) isKnown() bool { return o.Reply != nil }

// setMessage takes the request in all of its forms.
func (o *Operation) setMessage(message proto.Message) error {
	encoded, err := protojson.Marshal(message)
	if err != nil {
		return fmt.Errorf("write a request down: %w", err)
	}
	// protojson puts spaces where a build of it likes, so that nobody relies on its bytes.
	var compact bytes.Buffer
	if err := json.Compact(&compact, encoded); err != nil {
		return fmt.Errorf("write a request down: %w", err)
	}
	o.Kind = string(message.ProtoReflect().Descriptor().Name())
	o.Request, o.message = compact.Bytes(), message
	o.run, err = callOf(message)
	return err
}

// restore makes the request of what a file says.
func (o *Operation) restore() error {
	name := protoreflect.FullName("holdfast.v1." + o.Kind)
	kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		return fmt.Errorf("read a request: %w", err)
	}
	o.message = kind.New().Interface()
	if err := protojson.Unmarshal(o.Request, o.message); err != nil {
		return fmt.Errorf("read a request: %w", err)
	}
	o.run, err = callOf(o.message)
	return err
}

// names returns the reservations that the request names.
func (o *Operation) names() []string {
	var ids []string
	if m, ok := o.message.(interface{ GetReservationId() string }); ok {
		ids = append(ids, m.GetReservationId())
	}
	if m, ok := o.message.(interface{ GetReplaces() string }); ok && m.GetReplaces() != "" {
		ids = append(ids, m.GetReplaces())
	}
	return ids
}

// isRead says whether the call changes nothing, so that without an answer there is nothing to say.
func (o *Operation) isRead() bool {
	return strings.HasPrefix(o.Kind, "Get") || strings.HasPrefix(o.Kind, "BatchGet") ||
		strings.HasPrefix(o.Kind, "Check")
}

// History is what one recording has, in no order.
type History struct {
	// Stocks have the operations of each stock; they are judged one by one.
	Stocks map[string][]*Operation
}

// Save writes a stock's history to a file, one operation a line.
func Save(operations []*Operation, path string) error {
	var text strings.Builder
	for _, o := range operations {
		encoded, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("write a history: %w", err)
		}
		text.Write(encoded)
		text.WriteByte('\n')
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write a history: %w", err)
	}
	return nil
}

// Load reads what Save wrote.
func Load(path string) ([]*Operation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a history: %w", err)
	}
	var operations []*Operation
	for encoded := range strings.Lines(string(text)) {
		o := &Operation{}
		if err := json.Unmarshal([]byte(encoded), o); err != nil {
			return nil, fmt.Errorf("read a history: %w", err)
		}
		if err := o.restore(); err != nil {
			return nil, err
		}
		operations = append(operations, o)
	}
	return operations, nil
}
